use super::*;

#[test]
fn a_directory_that_is_open_is_refused() {
    let scratch = Scratch::new();
    let (store, _) = scratch.open();
    let error = Store::open(&scratch.dir()).err().unwrap();
    let who = if cfg!(windows) {
        "another process".to_owned()
    } else {
        format!("this process (pid {})", std::process::id())
    };
    let want = format!(
        "{}: {who} follows logs with this state directory; stop it, or give this one a directory of its own",
        scratch.dir().display()
    );
    assert_eq!(error.to_string(), want);
    drop(store);
    scratch.open();
}

#[cfg(unix)]
#[test]
fn a_lock_says_who_holds_it_whatever_stands_in_it() {
    let scratch = Scratch::new();
    let (_store, _) = scratch.open();
    for (said, want) in [
        (&b"pid 4000000000 on node-a\n"[..], "another process (pid 4000000000)"),
        (b"pid 12", "another process"),
        (b"pid x on node-a", "another process"),
        (b"pid ", "another process"),
        (b"\xff\x00", "another process"),
        (b"", "another process"),
    ] {
        fs::write(scratch.dir().join("lock"), said).unwrap();
        match Store::open(&scratch.dir()) {
            Err(CheckpointError::Locked { by, .. }) => assert_eq!(by, want),
            other => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn a_file_in_place_of_the_directory_is_refused() {
    let scratch = Scratch::new();
    fs::write(scratch.dir(), "").unwrap();
    for dir in [scratch.dir(), scratch.dir().join("below")] {
        let error = Store::open(&dir).err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("{}: the state directory cannot be made: ", dir.display())),
            "{error}"
        );
        assert!(error.ends_with("move it away, or give another state directory"), "{error}");
    }
}

#[test]
fn a_save_that_fails_can_be_tried_again() {
    let scratch = Scratch::new();
    let (mut store, _) = scratch.open();
    store.save(&at(1)).unwrap();
    let before = fs::read(scratch.slot(1)).unwrap();
    let in_the_way = scratch.dir().join(".offsets.0.unfinished");
    fs::create_dir(&in_the_way).unwrap();
    for _ in 0..2 {
        let error = store.save(&at(2)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: the state cannot be saved: ", scratch.slot(0).display())),
            "{error}"
        );
    }
    assert_eq!(fs::read(scratch.slot(1)).unwrap(), before);
    fs::remove_dir(&in_the_way).unwrap();
    store.save(&at(2)).unwrap();
    drop(store);
    assert_eq!(scratch.look(), Loaded { state: at(2), trust: Trust::Good, alarms: vec![] });
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_save_before() {
    let scratch = Scratch::new();
    let (mut store, _) = scratch.open();
    let full = |file: &str| std::os::unix::fs::symlink("/dev/full", scratch.dir().join(file)).unwrap();
    // The first save: neither the slot nor its sign.
    full(".offsets.1.unfinished");
    let error = store.save(&at(1)).unwrap_err().to_string();
    assert!(
        error.ends_with("make room on that file system; until then what was saved before stays"),
        "{error}"
    );
    assert!(!scratch.slot(1).exists() && !scratch.dir().join("committed").exists());
    full(".committed.unfinished");
    store.save(&at(1)).unwrap_err();
    assert!(scratch.slot(1).exists());
    store.save(&at(1)).unwrap();
    full(".offsets.0.unfinished");
    store.save(&at(2)).unwrap_err();
    drop(store);
    assert_eq!(scratch.look(), Loaded { state: at(1), trust: Trust::Good, alarms: vec![] });
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_removed_meanwhile_is_made_again_and_locked() {
    let scratch = Scratch::new();
    let (mut store, _) = scratch.open();
    store.save(&at(1)).unwrap();
    fs::remove_dir_all(scratch.dir()).unwrap();
    store.save(&at(2)).unwrap();
    assert!(matches!(Store::open(&scratch.dir()), Err(CheckpointError::Locked { .. })));
    // Someone else was faster.
    fs::remove_dir_all(scratch.dir()).unwrap();
    let (mut other, _) = scratch.open();
    assert!(matches!(store.save(&at(3)), Err(CheckpointError::Locked { .. })));
    other.save(&at(9)).unwrap();
    drop(other);
    store.save(&at(3)).unwrap();
    drop(store);
    assert_eq!(scratch.look().state, at(3));
}
