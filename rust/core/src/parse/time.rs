//! Times and durations as the audit log spells them, in whole microseconds.
//!
//! kube-apiserver writes every timestamp as a `MicroTime` (`apimachinery/pkg/apis/meta/v1/micro_time.go`): UTC, six
//! digits, `Z`, 27 bytes. Whatever re-wrote the log on its way may have used another RFC 3339 form, so there is a
//! general reader beside the fast one.

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// `0000-01-01T00:00:00Z`, the first instant that four digits of year can spell.
const FIRST: i64 = days_from_civil(0, 1, 1) * DAY;
/// The last microsecond of the year 9999.
const LAST: i64 = days_from_civil(10_000, 1, 1) * DAY - 1;

/// Reads exactly `YYYY-MM-DDTHH:MM:SS.ffffffZ` as microseconds since 1970 in UTC.
///
/// Anything else, or a date that the calendar does not have, is `None`: ask [`parse_rfc3339`] then.
#[must_use]
pub fn parse_micro_time(b: &[u8]) -> Option<i64> {
    let b: &[u8; 27] = b.try_into().ok()?;
    let mut digits = Digits::default();
    let year = digits.two(b[0], b[1]) * 100 + digits.two(b[2], b[3]);
    let month = digits.two(b[5], b[6]);
    let day = digits.two(b[8], b[9]);
    let hour = digits.two(b[11], b[12]);
    let minute = digits.two(b[14], b[15]);
    let second = digits.two(b[17], b[18]);
    let fraction =
        digits.two(b[20], b[21]) * 10_000 + digits.two(b[22], b[23]) * 100 + digits.two(b[24], b[25]);
    let marks = [b[4], b[7], b[10], b[13], b[16], b[19], b[26]];
    if !digits.ok() || marks != *b"--T::.Z" {
        return None;
    }
    micros(year, month, day, hour, minute, second).map(|whole| whole + i64::from(fraction))
}

/// Reads times of the canonical form that come in order, or nearly so: neighbours share their minute, and what is left of
/// each is nine bytes.
#[derive(Debug)]
pub struct MicroTimes {
    /// The minute that was read last, up to and with its colon.
    text: [u8; MINUTE],
    /// What it is in microseconds since 1970: always that of `text`.
    minute: i64,
}

impl Default for MicroTimes {
    fn default() -> Self {
        Self { text: *b"1970-01-01T00:00:", minute: 0 }
    }
}

/// Bytes of `YYYY-MM-DDTHH:MM:`.
const MINUTE: usize = 17;

impl MicroTimes {
    /// As [`parse_micro_time`].
    #[inline]
    pub fn parse(&mut self, b: &[u8]) -> Option<i64> {
        let b: &[u8; 27] = b.try_into().ok()?;
        let (minute, rest) = b.split_first_chunk()?;
        if *minute != self.text {
            self.minute = begin_of_minute(b)?;
            self.text = *minute;
        }
        let [tens, ones, fraction @ ..]: &[u8; 27 - MINUTE] = rest.try_into().ok()?;
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        let second = i64::from(tens) * 10 + i64::from(ones);
        (tens < 6 && ones < 10).then_some(self.minute + second * SECOND + fraction_of_six(*fraction)?)
    }
}

/// Microseconds of `.ffffffZ`: all digits at once, in pairs, and in fours.
#[inline]
fn fraction_of_six(text: [u8; 8]) -> Option<i64> {
    let all = |byte: u8| u64::from_le_bytes([byte; 8]);
    // Zero where point and Z stand, and each digit's value between them.
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(*b".000000Z");
    let beyond_nine = ((digits & all(0x7f)) + all(0x76)) | digits;
    if digits & 0xff00_0000_0000_00ff != 0 || beyond_nine & all(0x80) != 0 {
        return None;
    }
    let digits = digits << 8;
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours & 0xffff) as i64 * 10_000 + (fours >> 32) as i64)
}

/// The minute in which a time of the canonical form lies.
#[cold]
fn begin_of_minute(b: &[u8; 27]) -> Option<i64> {
    let mut whole = *b"0000-00-00T00:00:00.000000Z";
    whole[..MINUTE].copy_from_slice(&b[..MINUTE]);
    parse_micro_time(&whole)
}

/// Reads any RFC 3339 time as microseconds since 1970 in UTC.
///
/// Accepted beyond [`parse_micro_time`]: `t`, `z` or a space in their places, no fraction or one of any length (cut
/// to microseconds), and an offset. A leap second (`:60`) is `None`, because Go's clock never has one and two
/// instants would share a number. So is an instant whose UTC form leaves the years 0 to 9999.
#[must_use]
pub fn parse_rfc3339(b: &[u8]) -> Option<i64> {
    let (head, tail) = b.split_at_checked(19)?;
    let head: &[u8; 19] = head.try_into().ok()?;
    let mut digits = Digits::default();
    let year = digits.two(head[0], head[1]) * 100 + digits.two(head[2], head[3]);
    let month = digits.two(head[5], head[6]);
    let day = digits.two(head[8], head[9]);
    let hour = digits.two(head[11], head[12]);
    let minute = digits.two(head[14], head[15]);
    let second = digits.two(head[17], head[18]);
    let marks = [head[4], head[7], head[13], head[16]];
    if !digits.ok() || marks != *b"--::" || !matches!(head[10], b'T' | b't' | b' ') {
        return None;
    }
    let whole = micros(year, month, day, hour, minute, second)?;
    let (fraction, zone) = fraction(tail)?;
    let at = whole + fraction - offset(zone)?;
    (FIRST..=LAST).contains(&at).then_some(at)
}

/// Microseconds of an optional fraction, and what follows it.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', after)) = tail.split_first() else {
        return Some((0, tail));
    };
    let len = after.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, zone) = after.split_at_checked(len)?;
    if digits.is_empty() {
        return None;
    }
    let micros =
        (0..6).fold(0, |value, i| value * 10 + digits.get(i).map_or(0, |&digit| i64::from(digit - b'0')));
    Some((micros, zone))
}

/// Microseconds by which local time is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, [h1, h2, b':', m1, m2]) = (match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    }) else {
        return None;
    };
    let mut digits = Digits::default();
    let hours = digits.two(*h1, *h2);
    let minutes = digits.two(*m1, *m2);
    (digits.ok() && hours < 24 && minutes < 60)
        .then_some(sign * i64::from(hours * 60 + minutes) * 60 * SECOND)
}

/// Reads decimal digits and remembers whether one of them was none, so that the caller asks once and not per digit.
#[derive(Default)]
struct Digits {
    bad: u8,
}

impl Digits {
    fn two(&mut self, tens: u8, ones: u8) -> u32 {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        self.bad |= u8::from(tens > 9) | u8::from(ones > 9);
        u32::from(tens) * 10 + u32::from(ones)
    }

    fn ok(&self) -> bool {
        self.bad == 0
    }
}

fn micros(year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> Option<i64> {
    const LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap_day = u32::from(
        month == 2 && year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)),
    );
    let length = LENGTHS.get(month.wrapping_sub(1) as usize)? + leap_day;
    if day == 0 || day > length || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year as i32, month as i32, day as i32);
    Some(days * DAY + i64::from(hour * 3600 + minute * 60 + second) * SECOND)
}

/// Days since 1970-01-01 of a date in the Gregorian calendar, for years from 0 on.
///
/// Howard Hinnant's `days_from_civil` (<https://howardhinnant.github.io/date_algorithms.html>): the year starts in
/// March, so that the leap day comes last and the months' lengths follow one formula.
const fn days_from_civil(year: i32, month: i32, day: i32) -> i64 {
    // Four hundred years are added and taken away again: January and February of year 0 belong to year -1 here, and
    // division must not round towards zero there.
    let year = year + 400 - (month <= 2) as i32;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 146_097 - 719_468) as i64
}

/// The inverse of [`days_from_civil`], from the same page, for days from 0000-01-01 on.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468 + 146_097;
    let (era, day_of_era) = (days / 146_097 - 1, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Appends the 27 bytes that kube-apiserver writes for this instant.
///
/// The form has four digits of year. An instant before year 0 or after year 9999 is written as the first or the last
/// one that fits: neither reader above produces such a number.
pub fn format_micro_time(out: &mut Vec<u8>, micros: i64) {
    let micros = micros.clamp(FIRST, LAST);
    let (year, month, day) = civil_from_days(micros.div_euclid(DAY));
    let in_day = micros.rem_euclid(DAY);
    let (seconds, fraction) = (in_day / SECOND, in_day % SECOND);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], seconds / 3600);
    put(&mut text[14..16], seconds / 60 % 60);
    put(&mut text[17..19], seconds % 60);
    put(&mut text[20..26], fraction);
    out.extend_from_slice(&text);
}

fn put(place: &mut [u8], mut value: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Go's largest magnitude of a duration in nanoseconds, which only a negative one may reach.
const MAX_NANOS: u64 = 1 << 63;

/// Reads what Go's `time.ParseDuration` reads (`1m2.5s`, `612.3ms`, `92.928µs`), as whole microseconds.
///
/// The latency annotations of kube-apiserver are such texts. The value is what Go has in nanoseconds, divided by 1000
/// towards zero. `None` for what Go refuses, overflow included.
#[must_use]
pub fn parse_go_duration(s: &str) -> Option<i64> {
    let (negative, mut rest) = match s.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, s.strip_prefix('+').unwrap_or(s)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0u64;
    while !rest.is_empty() {
        let part;
        (part, rest) = duration_part(rest)?;
        nanos = nanos.checked_add(part).filter(|&sum| sum <= MAX_NANOS)?;
    }
    let nanos = if negative { 0i64.checked_sub_unsigned(nanos)? } else { 0i64.checked_add_unsigned(nanos)? };
    Some(nanos / 1000)
}

/// Nanoseconds of one number with its unit, and what follows.
fn duration_part(text: &str) -> Option<(u64, &str)> {
    let (whole, text) = split_digits(text);
    let (fraction, text) = text.strip_prefix('.').map_or(("", text), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_len = text.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(text.len());
    let (unit, rest) = text.split_at_checked(unit_len)?;
    let unit = unit_nanos(unit)?;
    let whole = whole.bytes().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|&v| v <= MAX_NANOS)
    })?;
    let nanos = whole.checked_mul(unit).filter(|&n| n <= MAX_NANOS)?;
    let nanos = nanos.checked_add(fraction_nanos(fraction, unit)).filter(|&n| n <= MAX_NANOS)?;
    Some((nanos, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(len).unwrap_or((text, ""))
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // Go writes the micro sign U+00B5 and also reads the Greek letter U+03BC.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Go computes a fraction in floating point, so the last nanosecond of an odd one is only right when this does too.
#[expect(clippy::cast_precision_loss, reason = "Go rounds here in the same way")]
fn fraction_nanos(digits: &str, unit: u64) -> u64 {
    let mut value = 0u64;
    let mut scale = 1f64;
    for digit in digits.bytes() {
        // Digits beyond what fits are below a nanosecond; Go skips them too.
        let Some(next) = (value <= (MAX_NANOS - 1) / 10)
            .then(|| value * 10 + u64::from(digit - b'0'))
            .filter(|&next| next <= MAX_NANOS)
        else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

#[cfg(test)]
mod tests;
