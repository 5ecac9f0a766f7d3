//! Instants as the protocol counts them.

use std::fmt;

/// Microseconds since the Unix epoch, UTC.
///
/// The wire carries float seconds; the network keeps microseconds, rounded half to even, and
/// serves the float of that value again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub i64);

impl Micros {
    /// First instant of the year 1.
    const MIN: i64 = -62_135_596_800_000_000;
    /// First instant of the year 10000.
    const END: i64 = 253_402_300_800_000_000;

    /// Converts float seconds, or `None` if the instant is not within the years 1 to 9999.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        if !seconds.is_finite() {
            return None;
        }
        // Rounding only the fraction keeps the precision that a product would lose.
        let whole = seconds.floor();
        let micros = ((seconds - whole) * 1e6).round_ties_even();
        if !(-63e9..=254e9).contains(&whole) {
            return None;
        }
        let total = whole as i64 * 1_000_000 + micros as i64;
        (Self::MIN..Self::END).contains(&total).then_some(Self(total))
    }

    /// Float seconds, the form in which the API serves times.
    pub fn as_seconds(self) -> f64 {
        // In one step this would round twice where a double cannot hold the microseconds (from the
        // year 2255 on), and reading the result again would give another instant.
        let (whole, rest) = (self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000));
        whole as f64 + rest as f64 / 1e6
    }

    /// Calendar fields `(year, month, day, hour, minute, second, microsecond)`.
    pub fn civil(self) -> (i64, u32, u32, u32, u32, u32, u32) {
        let days = self.0.div_euclid(86_400_000_000);
        let rest = self.0.rem_euclid(86_400_000_000);
        // Days to civil date by the usual era arithmetic over 400-year cycles.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
        let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
        let year = yoe + era * 400 + i64::from(month <= 2);
        let seconds = (rest / 1_000_000) as u32;
        (
            year,
            month,
            day,
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            (rest % 1_000_000) as u32,
        )
    }

    /// `2024-01-02T03:04:05.120000Z`; the fraction is left out when zero.
    pub fn iso_z(self) -> String {
        let (y, mo, d, h, mi, s, us) = self.civil();
        if us == 0 {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}Z")
        } else {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{us:06}Z")
        }
    }

    /// `2024-01-02T03:04:05.120000+00:00`; the fraction is left out when zero.
    pub fn iso_offset(self) -> String {
        let mut text = self.iso_z();
        text.pop();
        text.push_str("+00:00");
        text
    }

    /// Reads either of the two ISO forms above.
    pub fn from_iso(text: &str) -> Option<Self> {
        let body = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
        let (date, clock) = body.split_once('T')?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (y, m, d) = (date.next()??, date.next()??, date.next()??);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut clock = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
        let (h, mi, s) = (clock.next()??, clock.next()??, clock.next()??);
        let in_range = (1..=9999).contains(&y)
            && (1..=12).contains(&m)
            && (1..=31).contains(&d)
            && (0..24).contains(&h)
            && (0..60).contains(&mi)
            && (0..60).contains(&s)
            && fraction.len() <= 6
            && fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !in_range {
            return None;
        }
        let micros = if fraction.is_empty() {
            0
        } else {
            format!("{fraction:0<6}").parse().ok()?
        };
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        Some(Self(
            (days * 86_400 + h * 3_600 + mi * 60 + s) * 1_000_000 + micros,
        ))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso_z())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_seconds_round_trip_in_any_year() {
        for seconds in [
            1_700_000_000.123_456,
            -0.000_001,
            169_202_621_130.284_9,
            -62e9 - 0.3,
        ] {
            let time = Micros::from_seconds(seconds).expect("an instant");
            assert_eq!(Micros::from_seconds(time.as_seconds()), Some(time), "{seconds}");
        }
    }

    #[test]
    fn iso_forms_round_trip() {
        for micros in [
            0,
            1_700_000_000_250_000,
            951_782_400_000_000,
            -1,
            253_402_300_799_999_999,
        ] {
            let time = Micros(micros);
            assert_eq!(Micros::from_iso(&time.iso_z()), Some(time), "{time}");
            assert_eq!(Micros::from_iso(&time.iso_offset()), Some(time));
        }
        assert_eq!(
            Micros(1_704_164_645_120_000).iso_z(),
            "2024-01-02T03:04:05.120000Z"
        );
        assert_eq!(
            Micros(1_704_164_645_000_000).iso_offset(),
            "2024-01-02T03:04:05+00:00"
        );
    }

    #[test]
    fn milliseconds_as_seconds_are_out_of_range() {
        assert_eq!(Micros::from_seconds(1_700_000_000_000.0), None);
        assert_eq!(Micros::from_seconds(f64::NAN), None);
        assert_eq!(
            Micros::from_seconds(1_700_000_000.25),
            Some(Micros(1_700_000_000_250_000))
        );
    }
}
