//! Texts at the edge of what may be read.

#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use guarded::Edge;

/// Memory between two pages that must not be touched: whoever reads one byte beyond a text that stands at an end of it dies.
#[cfg(all(target_os = "linux", not(miri)))]
mod guarded {
    use std::ffi::{c_int, c_long, c_void};
    use std::ptr::NonNull;

    /// A multiple of every page size.
    const PAGE: usize = 1 << 16;

    const PROT_NONE: c_int = 0;
    const PROT_READ_WRITE: c_int = 3;
    const MAP_PRIVATE_ANONYMOUS: c_int = 0x22;

    unsafe extern "C" {
        fn mmap(
            at: *mut c_void,
            len: usize,
            prot: c_int,
            flags: c_int,
            fd: c_int,
            offset: c_long,
        ) -> *mut c_void;
        fn mprotect(at: *mut c_void, len: usize, prot: c_int) -> c_int;
        fn munmap(at: *mut c_void, len: usize) -> c_int;
    }

    pub(crate) struct Edge {
        pages: NonNull<u8>,
        /// Bytes that may be touched, behind the first page.
        room: usize,
    }

    impl Edge {
        /// Room for texts of at most that length.
        pub(crate) fn new(longest: usize) -> Self {
            let room = longest.next_multiple_of(PAGE).max(PAGE);
            // SAFETY: a mapping of its own at a place that the kernel chooses; the middle of it is made accessible.
            let pages = unsafe {
                let pages =
                    mmap(std::ptr::null_mut(), room + 2 * PAGE, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0);
                assert!(pages as isize != -1, "{}", std::io::Error::last_os_error());
                let pages = NonNull::new(pages.cast::<u8>()).expect("no mapping is at zero");
                let middle = pages.add(PAGE).as_ptr().cast();
                assert_eq!(mprotect(middle, room, PROT_READ_WRITE), 0, "{}", std::io::Error::last_os_error());
                pages
            };
            Self { pages, room }
        }

        /// The text, ending where the memory ends.
        pub(crate) fn at_end(&mut self, text: &str) -> &str {
            self.copy(text, self.room - text.len())
        }

        /// The text, beginning where the memory begins.
        pub(crate) fn at_start(&mut self, text: &str) -> &str {
            self.copy(text, 0)
        }

        fn copy(&mut self, text: &str, at: usize) -> &str {
            assert!(at + text.len() <= self.room);
            // SAFETY: the room is zeroed or written memory of the mapping that `self` owns, borrowed for as long as the
            // result lives; the copy of a text is a text.
            unsafe {
                let room = std::slice::from_raw_parts_mut(self.pages.add(PAGE + at).as_ptr(), text.len());
                room.copy_from_slice(text.as_bytes());
                std::str::from_utf8_unchecked(room)
            }
        }
    }

    impl Drop for Edge {
        fn drop(&mut self) {
            // SAFETY: the whole mapping, to which nothing is borrowed any more.
            unsafe { munmap(self.pages.as_ptr().cast(), self.room + 2 * PAGE) };
        }
    }
}

/// Elsewhere a block of exactly the length: a sanitizer sees what goes beyond it, and so does Miri, which has no such pages.
#[cfg(any(not(target_os = "linux"), miri))]
pub(crate) struct Edge(Box<str>);

#[cfg(any(not(target_os = "linux"), miri))]
impl Edge {
    /// Room for texts of any length.
    pub(crate) fn new(_longest: usize) -> Self {
        Self(Box::default())
    }

    /// The text, ending where the memory ends.
    pub(crate) fn at_end(&mut self, text: &str) -> &str {
        self.0 = text.into();
        &self.0
    }

    /// The text, beginning where the memory begins.
    pub(crate) fn at_start(&mut self, text: &str) -> &str {
        self.at_end(text)
    }
}
