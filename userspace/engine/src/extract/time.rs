//! Times as text. The zone is the watched host's, as an offset that came with a record.

/// Nanoseconds in a second.
pub(super) const SECOND_NS: u64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// `HH:MM:SS.nnnnnnnnn`, the fraction only if asked for.
#[must_use]
pub(crate) fn time_of_day(epoch_ns: u64, utc_offset_s: i32, with_fraction: bool) -> String {
    let seconds = local_seconds(epoch_ns, utc_offset_s).rem_euclid(DAY_S);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if with_fraction {
        format!("{hour:02}:{minute:02}:{second:02}.{:09}", epoch_ns % SECOND_NS)
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

/// `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`.
#[must_use]
pub(super) fn date_time(epoch_ns: u64, utc_offset_s: i32, with_fraction: bool) -> String {
    format!("{} {}", date(epoch_ns, utc_offset_s), time_of_day(epoch_ns, utc_offset_s, with_fraction))
}

/// `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`.
#[must_use]
pub(crate) fn iso8601(epoch_ns: u64) -> String {
    format!("{}T{}Z", date(epoch_ns, 0), time_of_day(epoch_ns, 0, true))
}

fn local_seconds(epoch_ns: u64, utc_offset_s: i32) -> i64 {
    (epoch_ns / SECOND_NS).cast_signed() + i64::from(utc_offset_s)
}

fn date(epoch_ns: u64, utc_offset_s: i32) -> String {
    let days = local_seconds(epoch_ns, utc_offset_s).div_euclid(DAY_S);
    // Count from 1 March of year 0, so that the leap day ends a year and 400 years are one era.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let ns = 1_795_351_816_272_456_224;
        assert_eq!(iso8601(ns), "2026-11-22T12:50:16.272456224Z");
        assert_eq!(time_of_day(ns, 0, true), "12:50:16.272456224");
        assert_eq!(date_time(ns, 12 * 3600, false), "2026-11-23 00:50:16");
        assert_eq!(date_time(ns, -13 * 3600, true), "2026-11-21 23:50:16.272456224");
        for (epoch_s, text) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_709_164_799, "2024-02-28T23:59:59"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!(iso8601(epoch_s * SECOND_NS), format!("{text}.000000000Z"));
        }
    }

    #[test]
    fn the_clock_may_be_behind_the_epoch() {
        assert_eq!(date_time(0, -3600, false), "1969-12-31 23:00:00");
    }
}
