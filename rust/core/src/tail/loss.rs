//! How long until rotation deletes what was not read yet.

#![expect(clippy::cast_precision_loss, reason = "a forecast in whole bytes would be no better")]

use std::time::{Duration, Instant};

/// Half of the rate is forgotten in this time.
const HALF_LIFE: f64 = 60.0;

/// What rotation keeps, as far as it was said: kube-apiserver's `--audit-log-maxsize`, `-maxbackup` and `-maxage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Bytes at which the live file is rotated.
    pub size: Option<u64>,
    /// Backups that are kept; 0 keeps all.
    pub backups: Option<u64>,
    /// Age at which a backup is deleted.
    pub age: Option<Duration>,
}

/// What there is of a log, seen from its oldest unread byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Bytes of the live file.
    pub live: u64,
    /// Backups that are newer than the file with the oldest unread byte; `None` if that is the live file.
    pub newer: Option<u64>,
    /// How long ago that file was rotated.
    pub rotated: Duration,
    /// Bytes of the largest backup.
    pub largest: u64,
    /// Backups that were left when one was last seen to be deleted.
    pub left: Option<u64>,
}

/// The time until the oldest unread byte is deleted, at a rate in bytes a second; `None` if nothing says that it will be.
///
/// A backup is deleted at the rotation that makes it one too many, or the first one after it has become too old
/// (lumberjack's `millRunOnce`).
#[must_use]
pub fn time_to_loss(view: View, retention: Retention, rate: f64) -> Option<Duration> {
    let size = retention.size.unwrap_or(view.largest);
    let backups = retention.backups.map_or(view.left, |backups| (backups > 0).then_some(backups));
    if rate <= 0.0 || size == 0 {
        return None;
    }
    let to_rotation = size.saturating_sub(view.live) as f64 / rate;
    let by_count = backups.map(|backups| {
        let rotations = view.newer.map_or(backups + 1, |newer| backups.saturating_sub(newer).max(1));
        to_rotation + (rotations - 1) as f64 * (size as f64 / rate)
    });
    let by_age = retention.age.map(|age| {
        let since = if view.newer.is_some() { view.rotated.as_secs_f64() } else { -to_rotation };
        (age.as_secs_f64() - since).max(to_rotation)
    });
    let soonest = by_count.into_iter().chain(by_age).reduce(f64::min)?;
    Duration::try_from_secs_f64(soonest).ok()
}

/// How fast a log is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    /// All bytes that were seen so far, and when.
    last: Option<(u64, Instant)>,
    /// Bytes a second; older ones count less.
    rate: f64,
}

impl Meter {
    /// Takes the number of all bytes that were ever seen of the log.
    pub(super) fn read(&mut self, total: u64, now: Instant) {
        let Some((before, at)) = self.last else {
            self.last = Some((total, now));
            return;
        };
        let seconds = now.saturating_duration_since(at).as_secs_f64();
        if seconds < 0.5 {
            return;
        }
        let fresh = total.saturating_sub(before) as f64 / seconds;
        let old = 0.5_f64.powf(seconds / HALF_LIFE);
        // The first reading has nothing older to be weighed against.
        self.rate = if self.rate == 0.0 { fresh } else { old * self.rate + (1.0 - old) * fresh };
        self.last = Some((total, now));
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn hours(view: View, retention: Retention, rate: f64) -> Option<u64> {
        time_to_loss(view, retention, rate).map(|time| time.as_secs() / 3600)
    }

    fn view(newer: Option<u64>) -> View {
        View { live: 0, newer, rotated: Duration::ZERO, largest: 0, left: None }
    }

    #[test]
    fn a_backup_goes_when_it_is_one_too_many() {
        let ten = Retention { size: Some(100 * MB), backups: Some(10), age: None };
        let a_file_an_hour = (100 * MB) as f64 / 3600.0;
        assert_eq!(hours(view(None), ten, a_file_an_hour), Some(11));
        assert_eq!(hours(view(Some(0)), ten, a_file_an_hour), Some(10));
        assert_eq!(hours(view(Some(9)), ten, a_file_an_hour), Some(1));
        assert_eq!(hours(View { live: 50 * MB, ..view(Some(9)) }, ten, a_file_an_hour), Some(0));
        assert_eq!(hours(view(Some(9)), ten, 0.0), None);
    }

    #[test]
    fn a_backup_goes_when_it_is_too_old() {
        let aged =
            Retention { size: Some(100 * MB), backups: Some(0), age: Some(Duration::from_secs(24 * 3600)) };
        let a_file_an_hour = (100 * MB) as f64 / 3600.0;
        let rotated = View { rotated: Duration::from_secs(20 * 3600), ..view(Some(3)) };
        assert_eq!(hours(rotated, aged, a_file_an_hour), Some(4));
        assert_eq!(hours(view(None), aged, a_file_an_hour), Some(25));
    }

    #[test]
    fn what_is_not_said_is_learned_from_what_is_seen() {
        let a_file_an_hour = (100 * MB) as f64 / 3600.0;
        let seen = View { largest: 100 * MB, left: Some(5), ..view(Some(1)) };
        assert_eq!(hours(seen, Retention::default(), a_file_an_hour), Some(4));
        assert_eq!(hours(View { left: None, ..seen }, Retention::default(), a_file_an_hour), None);
    }

    #[test]
    fn the_rate_follows_the_log() {
        let start = Instant::now();
        let mut meter = Meter::default();
        for second in 0..600 {
            meter.read(second * 1000, start + Duration::from_secs(second));
        }
        assert!((meter.rate() - 1000.0).abs() < 1.0);
        for second in 600..1200 {
            meter.read(600_000, start + Duration::from_secs(second));
        }
        assert!(meter.rate() < 2.0);
    }
}
