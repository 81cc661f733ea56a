use super::format::{golden, with_header};
use super::*;

#[test]
fn a_state_that_is_missing_is_lost_and_not_fresh() {
    let scratch = Scratch::new().saved([1, 2]);
    fs::remove_file(scratch.slot(0)).unwrap();
    fs::remove_file(scratch.slot(1)).unwrap();
    let loaded = scratch.look();
    assert_eq!((&loaded.state, loaded.trust), (&State::default(), Trust::Lost));
    assert_eq!(reasons(&loaded), ["missing", "missing"]);
    let message = &loaded.alarms[0].message;
    assert!(message.starts_with(&scratch.slot(0).display().to_string()), "{message}");
    assert!(message.contains("read again from their beginning; put the file back"), "{message}");
    // It goes on from there.
    let loaded = scratch.saved([7]).look();
    assert_eq!(loaded, Loaded { state: at(7), trust: Trust::Good, alarms: vec![] });
}

#[test]
fn a_slot_that_is_missing_is_an_alarm() {
    for (removed, left) in [(0, 3), (1, 2)] {
        let scratch = Scratch::new().saved([1, 2, 3]);
        fs::remove_file(scratch.slot(removed)).unwrap();
        let loaded = scratch.look();
        assert_eq!((&loaded.state, loaded.trust), (&at(left), Trust::Previous));
        assert_eq!(reasons(&loaded), ["missing"]);
        let loaded = scratch.saved([left]).look();
        assert_eq!(loaded, Loaded { state: at(left), trust: Trust::Good, alarms: vec![] });
    }
}

#[test]
fn slots_that_do_not_follow_each_other_are_an_alarm() {
    let scratch = Scratch::new().saved([1]);
    let backup = fs::read(scratch.slot(1)).unwrap();
    let scratch = scratch.saved([2, 3, 4]);
    fs::write(scratch.slot(1), &backup).unwrap();
    let loaded = scratch.look();
    assert_eq!((&loaded.state, loaded.trust), (&at(4), Trust::Previous));
    assert_eq!(reasons(&loaded), ["out_of_step"]);
    fs::write(scratch.slot(0), &backup).unwrap();
    let loaded = scratch.look();
    assert_eq!((&loaded.state, reasons(&loaded)), (&at(1), vec!["out_of_step"]));
}

/// What is done to a slot, and the word for it.
fn damages() -> Vec<(&'static str, Vec<u8>)> {
    let (_, whole) = golden();
    vec![
        ("empty", vec![]),
        ("nuls", vec![0; 500]),
        ("torn", whole[..300].to_vec()),
        ("checksum", whole.to_ascii_lowercase().iter().map(|byte| byte & !u8::from(*byte == b't')).collect()),
        ("newer_version", with_header("2", 99, "{}\n")),
        ("not_ours", b"positions: {}\n".to_vec()),
        ("content", with_header("1", 7, "{}\n")),
    ]
}

#[test]
fn the_save_before_is_used_when_the_newest_is_unusable() {
    for (reason, bytes) in damages() {
        let scratch = Scratch::new().saved([1, 2, 3]);
        fs::write(scratch.slot(1), &bytes).unwrap();
        let (mut store, loaded) = scratch.open();
        assert_eq!((&loaded.state, loaded.trust), (&at(2), Trust::Previous), "{reason}");
        assert_eq!(reasons(&loaded), [reason]);
        let message = &loaded.alarms[0].message;
        assert!(
            message.contains("lines that were committed after it come again; it will be kept as"),
            "{message}"
        );
        // Nothing is touched before there is something to save, and the other slot not even then.
        assert_eq!(fs::read(scratch.slot(1)).unwrap(), bytes);
        let good = fs::read(scratch.slot(0)).unwrap();
        store.save(&loaded.state).unwrap();
        assert_eq!(fs::read(scratch.aside(1)).unwrap(), bytes);
        assert_eq!(fs::read(scratch.slot(0)).unwrap(), good);
        drop(store);
        assert_eq!(scratch.look(), Loaded { state: at(2), trust: Trust::Good, alarms: vec![] });
    }
}

#[test]
fn nothing_usable_is_lost() {
    for (reason, bytes) in damages() {
        let scratch = Scratch::new().saved([1, 2]);
        fs::write(scratch.slot(0), &bytes).unwrap();
        fs::write(scratch.slot(1), &bytes).unwrap();
        let (mut store, loaded) = scratch.open();
        assert_eq!((&loaded.state, loaded.trust), (&State::default(), Trust::Lost));
        assert_eq!(reasons(&loaded), [reason; 2]);
        store.save(&at(5)).unwrap();
        assert_eq!(fs::read(scratch.aside(0)).unwrap(), bytes);
        assert_eq!(fs::read(scratch.aside(1)).unwrap(), bytes);
        drop(store);
        assert_eq!(scratch.look(), Loaded { state: at(5), trust: Trust::Good, alarms: vec![] });
        // The next one takes the place of the one that was kept.
        fs::write(scratch.slot(1), "again").unwrap();
        let scratch = scratch.saved([6]);
        assert_eq!(fs::read(scratch.aside(1)).unwrap(), b"again");
    }
}

#[test]
fn every_damage_of_a_slot_leaves_the_other() {
    let scratch = Scratch::new().saved([1, 2]);
    let whole = fs::read(scratch.slot(0)).unwrap();
    let flipped = (0..whole.len() * 8).map(|bit| {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    let other = fs::read(scratch.slot(1)).unwrap();
    for bytes in flipped.chain(cut) {
        fs::write(scratch.slot(0), &bytes).unwrap();
        fs::write(scratch.slot(1), &other).unwrap();
        let loaded = scratch.look();
        assert_eq!((&loaded.state, loaded.trust, loaded.alarms.len()), (&at(1), Trust::Previous, 1));
        fs::remove_file(scratch.slot(1)).unwrap();
        let loaded = scratch.look();
        assert_eq!((&loaded.state, loaded.trust, loaded.alarms.len()), (&State::default(), Trust::Lost, 1));
    }
}

#[test]
fn a_newer_version_is_kept() {
    let scratch = Scratch::new().saved([1, 2]);
    let newer = with_header("2", 50, "{}\n");
    fs::write(scratch.slot(0), &newer).unwrap();
    fs::remove_file(scratch.slot(1)).unwrap();
    let loaded = scratch.look();
    assert_eq!((loaded.trust, reasons(&loaded)), (Trust::Lost, vec!["newer_version"]));
    let message = &loaded.alarms[0].message;
    assert!(message.contains("is of format 2, and this auditwake reads format 1"), "{message}");
    assert!(message.ends_with("stop this one and run the auditwake that wrote it"), "{message}");
    let scratch = scratch.saved([3]);
    assert_eq!(fs::read(scratch.aside(0)).unwrap(), newer);
    // A save of 50 beside ours would be taken for the newest by whoever can read it.
    assert!(!scratch.slot(0).exists());
}

#[test]
fn a_state_of_another_host_is_used_with_an_alarm() {
    let scratch = Scratch::new().saved([1, 2]);
    let (mut store, loaded) = Store::open_on(&scratch.dir(), host("there")).unwrap();
    assert_eq!((&loaded.state, loaded.trust), (&at(2), Trust::Good));
    assert_eq!(reasons(&loaded), ["other_host"]);
    let message = &loaded.alarms[0].message;
    assert!(message.contains("saved on host `here`, and this is host `there`"), "{message}");
    // From the next save on it is this one's.
    store.save(&loaded.state).unwrap();
    drop(store);
    let (_, loaded) = Store::open_on(&scratch.dir(), host("there")).unwrap();
    assert_eq!(loaded, Loaded { state: at(2), trust: Trust::Good, alarms: vec![] });
    // Whoever does not know where it is cannot say that it is elsewhere.
    let (_, loaded) = Store::open_on(&scratch.dir(), host("")).unwrap();
    assert_eq!(loaded.alarms, []);
}

#[test]
fn this_host_is_the_same_twice() {
    assert_eq!(Host::this(), Host::this());
    assert!(!cfg!(target_os = "linux") || !Host::this().id.is_empty());
}

#[test]
fn a_directory_in_place_of_a_slot_is_moved_aside() {
    let scratch = Scratch::new().saved([1, 2]);
    fs::remove_file(scratch.slot(0)).unwrap();
    fs::create_dir(scratch.slot(0)).unwrap();
    let loaded = scratch.look();
    assert_eq!((&loaded.state, reasons(&loaded)), (&at(1), vec!["not_ours"]));
    let scratch = scratch.saved([4]);
    assert!(scratch.aside(0).is_dir());
    assert_eq!(scratch.look().state, at(4));
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_not_nothing() {
    let scratch = Scratch::new().saved([1, 2]);
    fs::remove_file(scratch.slot(0)).unwrap();
    std::os::unix::fs::symlink("elsewhere", scratch.slot(0)).unwrap();
    let loaded = scratch.look();
    assert_eq!((loaded.trust, reasons(&loaded)), (Trust::Previous, vec!["unreadable"]));
}
