use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;

use super::*;

fn ordered(names: &[&str]) -> Vec<String> {
    let paths = names.iter().map(PathBuf::from).collect();
    order(paths).iter().map(|path| path.display().to_string()).collect()
}

/// Checks that the given order is found again, whatever the order of the listing.
fn check(want: &[&str]) {
    let mut shuffled = want.to_vec();
    for turn in 0..want.len() {
        assert_eq!(ordered(&shuffled), want, "turn {turn}");
        shuffled.rotate_left(1);
        shuffled.reverse();
    }
    shuffled.sort_unstable();
    assert_eq!(ordered(&shuffled), want);
}

/// A directory that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str, files: &[&str]) -> Self {
        let path = std::env::temp_dir().join(format!("auditwake-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        for file in files {
            fs::write(path.join(file), "{}\n").unwrap();
        }
        Self(path)
    }

    fn discover(&self, below: &str) -> Result<Vec<String>, SourceError> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let spec = format!("{}{below}", self.0.display());
        Ok(discover(&spec)?.iter().map(name).collect())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn lumberjack_sets_go_by_time_and_the_live_file_is_last() {
    check(&[
        "/a/audit-2026-11-24T00-10-19.262.log.gz",
        "/a/audit-2026-11-24T00-10-39.801.log.gz",
        "/a/audit-2026-11-24T00-11-50.103.log.zst",
        "/a/audit-2026-11-24T00-11-50.104.log",
        "/a/audit.log",
        "/a/kube-apiserver-audit-2025-12-31T23-59-59.999.log",
        "/a/kube-apiserver-audit-2026-01-01T00-00-00.000.log",
        "/a/kube-apiserver-audit.log",
        "/b/audit-2020-01-01T00-00-00.000.log",
        "/b/audit.log",
    ]);
    check(&["audit-2026-11-24T00-10-19.262", "audit-2026-11-24T00-10-20.001.gz", "audit"]);
}

#[test]
fn a_set_of_a_real_apiserver_goes_by_time() {
    let stamps = "10-19.262 10-39.801 10-42.744 10-45.728 10-50.082 10-54.743 10-58.407 11-03.131 11-05.956 \
                  11-23.493 11-26.283 11-29.369 11-34.370 11-39.441 11-43.155 11-44.977 11-50.103";
    let mut names: Vec<String> =
        stamps.split_whitespace().map(|stamp| format!("audit-2026-11-24T00-{stamp}.log.gz")).collect();
    names.push("audit.log".to_owned());
    check(&names.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn logrotate_numbers_count_back() {
    check(&[
        "audit.log.10.gz",
        "audit.log.9.gz",
        "audit.log.2.zst",
        "audit.log.1",
        "audit.log.0",
        "audit.log",
        "other.log.1",
        "other.log",
    ]);
    check(&["audit.log-20251231.gz", "audit.log-20260101", "audit.log"]);
    check(&["audit.log-2026010109", "audit.log-2026010110", "audit.log"]);
    check(&["audit.log-20260101-1767225600", "audit.log-20260101-1767229200", "audit.log"]);
}

#[test]
fn a_mixture_goes_by_set_and_all_else_by_name() {
    check(&[
        "Zebra.txt",
        "audit-2026-11-24T00-10-19.262.log.2.gz",
        "audit-2026-11-24T00-10-19.262.log.1",
        "audit-2026-11-24T00-10-19.262.log",
        "audit-2026-11-25T00-10-19.262.log",
        "audit.log.3.gz",
        "audit.log",
        "audit.log.gz",
        "part.001",
        "part.002",
        "part.010",
        "x-2026-11-24T00-10-19.262-y.log",
        "x.99999999999999999999999",
    ]);
}

#[test]
fn a_rotated_file_hides_its_compressed_twin() {
    let stamped = "d/audit-2026-11-24T00-10-19.262.log";
    let gz = format!("{stamped}.gz");
    assert_eq!(ordered(&[&gz, stamped]), [stamped]);
    assert_eq!(ordered(&["audit.log.1.zst", "audit.log.1.gz", "audit.log.1"]), ["audit.log.1"]);
    assert_eq!(ordered(&[&gz, "e/audit-2026-11-24T00-10-19.262.log"]).len(), 2);
    assert_eq!(ordered(&["audit.log", "audit.log.gz"]), ["audit.log", "audit.log.gz"]);
    assert_eq!(ordered(&[&gz, "d/audit.log"]), [&gz, "d/audit.log"]);
}

#[test]
fn a_directory_gives_its_logs() {
    let scratch = Scratch::new(
        "directory",
        &[
            "audit.log",
            "audit.log.1",
            "audit.log.2.gz",
            "audit.log-20261124",
            "b.ndjson.zst",
            "c.txt",
            "d.json",
        ],
    );
    for other in [".hidden.log", "policy.yaml", "audit.log.gz.tmp", "audit.log.bak", "log", "gz", "x.gz"] {
        fs::write(scratch.0.join(other), "").unwrap();
    }
    fs::create_dir(scratch.0.join("sub.log")).unwrap();
    fs::write(scratch.0.join("sub.log/inner.log"), "").unwrap();
    let want = [
        "audit.log-20261124",
        "audit.log.2.gz",
        "audit.log.1",
        "audit.log",
        "b.ndjson.zst",
        "c.txt",
        "d.json",
    ];
    assert_eq!(scratch.discover("").unwrap(), want);
    assert_eq!(scratch.discover("/audit.log.2.gz").unwrap(), ["audit.log.2.gz"]);
    assert_eq!(scratch.discover("/policy.yaml").unwrap(), ["policy.yaml"]);
    assert_eq!(scratch.discover("/*.log*").unwrap().len(), 6);
    assert_eq!(scratch.discover("/.h*").unwrap(), [".hidden.log"]);
    assert_eq!(scratch.discover("/*/inner.log").unwrap(), ["inner.log"]);
    assert_eq!(scratch.discover("/audit.log.[12]*").unwrap(), ["audit.log.2.gz", "audit.log.1"]);
}

#[test]
fn a_file_whose_name_looks_like_a_pattern_is_itself() {
    let scratch = Scratch::new("brackets", &["a[1].log", "a1.log"]);
    assert_eq!(scratch.discover("/a[1].log").unwrap(), ["a[1].log"]);
    assert_eq!(scratch.discover("/a[12].log").unwrap(), ["a1.log"]);
}

#[test]
fn errors_name_what_was_asked_for() {
    let scratch = Scratch::new("errors", &["audit.log"]);
    fs::create_dir(scratch.0.join("empty")).unwrap();
    let error = |below| scratch.discover(below).unwrap_err();
    assert!(matches!(error("/absent.log"), SourceError::NotFound { .. }));
    assert!(matches!(error("/*.absent"), SourceError::NoMatch { .. }));
    assert!(matches!(error("/em*"), SourceError::NoMatch { .. }));
    assert!(matches!(error("/empty"), SourceError::EmptyDirectory { .. }));
    assert!(matches!(error("/a***"), SourceError::BadPattern { .. }));
    assert!(matches!(error("/audit.log/x"), SourceError::Io { .. }));
    assert!(matches!(discover("a\0b"), Err(SourceError::Io { .. })));
    assert!(matches!(discover(""), Err(SourceError::NotFound { .. })));
    assert!(error("/empty").to_string().starts_with(&format!("{}/empty: no logs", scratch.0.display())));
}

#[test]
fn names_need_not_be_utf8() {
    let name = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
    let want = vec![name(b"\xff.log.2.gz"), name(b"\xff.log.1"), name(b"\xff.log")];
    assert_eq!(order(want.iter().rev().cloned().collect()), want);
    let scratch = Scratch::new("bytes", &["a.log"]);
    fs::write(scratch.0.join(name(b"\xfe.log")), "").unwrap();
    assert_eq!(scratch.discover("").unwrap().len(), 2);
    assert_eq!(scratch.discover("/*.log").unwrap(), ["a.log"]);
}

const NAME: &str =
    r"[ab](-2026-0[12]-0[12]T00-00-00\.00[01])?(\.log)?(-2026010[12])?(\.[0-9]{1,2})?(\.gz|\.zst)?";

proptest! {
    #[test]
    fn order_is_stable_and_loses_nothing_but_twins(names in prop::collection::vec(NAME, 0..12)) {
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let once = order(paths.clone());
        prop_assert_eq!(&order(once.iter().rev().cloned().collect()), &once);
        for path in &paths {
            prop_assert!(once.contains(path) || once.contains(&path.with_extension("")));
        }
    }

    #[test]
    fn any_name_is_taken(names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
        let paths: Vec<PathBuf> = names.into_iter().map(|name| OsString::from_vec(name).into()).collect();
        prop_assert!(paths.iter().filter(|path| looks_like_log(path)).count() <= paths.len());
        prop_assert!(order(paths.clone()).len() <= paths.len());
    }
}
