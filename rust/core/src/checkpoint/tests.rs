mod damage;
mod format;
mod refusals;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use format::any_state;

/// A directory that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("auditwake-checkpoint-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn dir(&self) -> PathBuf {
        self.0.join("state")
    }

    fn slot(&self, at: usize) -> PathBuf {
        self.dir().join(format!("offsets.{at}"))
    }

    fn aside(&self, at: usize) -> PathBuf {
        self.dir().join(format!("offsets.{at}.unusable"))
    }

    fn open(&self) -> (Store, Loaded) {
        Store::open_on(&self.dir(), host("here")).unwrap()
    }

    /// Opens, looks and closes.
    fn look(&self) -> Loaded {
        self.open().1
    }

    /// Saves offsets one after the other.
    fn saved(self, offsets: impl IntoIterator<Item = u64>) -> Self {
        let (mut store, _) = self.open();
        for offset in offsets {
            store.save(&at(offset)).unwrap();
        }
        self
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn host(name: &str) -> Host {
    Host { id: name.to_owned(), name: name.to_owned() }
}

/// A state with this offset in it.
fn at(offset: u64) -> State {
    let file = FileMark { name: "audit.log".to_owned(), offset, size: offset, ..FileMark::default() };
    let stream = StreamMark { files: vec![file], older_done: false };
    State { streams: BTreeMap::from([("audit.log".to_owned(), stream)]) }
}

fn reasons(loaded: &Loaded) -> Vec<&'static str> {
    loaded.alarms.iter().map(|alarm| alarm.reason).collect()
}

#[test]
fn a_directory_that_is_not_there_is_made() {
    let scratch = Scratch::new();
    let deep = scratch.0.join("a/b/state");
    let (mut store, loaded) = Store::open(&deep).unwrap();
    assert_eq!(loaded, Loaded { state: State::default(), trust: Trust::Fresh, alarms: vec![] });
    store.save(&at(1)).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&deep), 0o700);
        assert_ne!(mode(deep.parent().unwrap()) & 0o700, 0);
    }
}

#[test]
fn the_two_slots_are_written_in_turn() {
    let scratch = Scratch::new();
    let (mut store, _) = scratch.open();
    let generation = |at| fs::read(scratch.slot(at)).ok().map(|bytes| decode(&bytes).unwrap().generation);
    for (offset, want) in [(1, [None, Some(1)]), (2, [Some(2), Some(1)]), (3, [Some(2), Some(3)])] {
        store.save(&at(offset)).unwrap();
        assert_eq!([generation(0), generation(1)], want);
    }
    // What was saved last is not saved again.
    store.save(&at(3)).unwrap();
    assert_eq!([generation(0), generation(1)], [Some(2), Some(3)]);
    drop(store);
    let (mut store, loaded) = scratch.open();
    assert_eq!(loaded, Loaded { state: at(3), trust: Trust::Good, alarms: vec![] });
    store.save(&at(3)).unwrap();
    assert_eq!([generation(0), generation(1)], [Some(2), Some(3)]);
    store.save(&at(4)).unwrap();
    assert_eq!([generation(0), generation(1)], [Some(4), Some(3)]);
}

#[test]
fn one_save_is_good() {
    let loaded = Scratch::new().saved([1]).look();
    assert_eq!(loaded, Loaded { state: at(1), trust: Trust::Good, alarms: vec![] });
}

#[test]
fn a_run_that_committed_nothing_leaves_a_fresh_directory() {
    let scratch = Scratch::new();
    drop(scratch.open());
    assert!(scratch.dir().join("lock").exists());
    assert_eq!(scratch.look().trust, Trust::Fresh);
}

#[test]
fn unfinished_files_are_harmless() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.dir()).unwrap();
    for unfinished in [".offsets.0.unfinished", ".offsets.1.unfinished", ".committed.unfinished"] {
        fs::write(scratch.dir().join(unfinished), "auditwake-off").unwrap();
    }
    assert_eq!(scratch.look().trust, Trust::Fresh);
    let scratch = scratch.saved([1, 2]);
    // Killed before the rename: the bytes are whole, and the caller never heard that they are saved.
    fs::write(scratch.dir().join(".offsets.1.unfinished"), encode(&at(3), 3, &host("here"))).unwrap();
    let (mut store, loaded) = scratch.open();
    assert_eq!(loaded, Loaded { state: at(2), trust: Trust::Good, alarms: vec![] });
    store.save(&at(4)).unwrap();
    assert!(!scratch.dir().join(".offsets.1.unfinished").exists());
    drop(store);
    assert_eq!(scratch.look().state, at(4));
}

#[test]
fn a_kill_between_the_first_slot_and_its_sign_is_no_loss() {
    let scratch = Scratch::new().saved([1]);
    fs::remove_file(scratch.dir().join("committed")).unwrap();
    let (mut store, loaded) = scratch.open();
    assert_eq!(loaded, Loaded { state: at(1), trust: Trust::Good, alarms: vec![] });
    store.save(&at(1)).unwrap();
    assert!(scratch.dir().join("committed").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn what_is_saved_is_loaded(runs in vec(vec(any_state(), 0..4), 1..4)) {
        let scratch = Scratch::new();
        let mut last = None;
        for run in runs {
            let (mut store, loaded) = scratch.open();
            prop_assert_eq!(loaded.alarms, []);
            prop_assert_eq!(loaded.trust, if last.is_some() { Trust::Good } else { Trust::Fresh });
            prop_assert_eq!(loaded.state, last.clone().unwrap_or_default());
            for state in run {
                store.save(&state).unwrap();
                last = Some(state);
            }
        }
    }
}
