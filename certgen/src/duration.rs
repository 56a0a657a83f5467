//! Spans of time as people write them: `36h`, `10d`, `1h15m`.

use time::Duration;

/// The longest span that is read: longer than any certificate lives.
pub const MAX: Duration = Duration::days(36_525);

/// Why text is no span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a span of time, which is written as 90s, 45m, 36h, 10d, 2w or together as 1d12h")]
pub struct DurationError;

/// Reads numbers, each with its unit: `w`, `d`, `h`, `m` for minutes, `s`. Units come from long to short, each once.
///
/// # Errors
///
/// [`DurationError`] for anything else, a number without a unit among it, and for more than [`MAX`].
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text;
    let mut sum = 0_i64;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let number: i64 = number.parse().map_err(|_| DurationError)?;
        let unit = after.chars().next().ok_or(DurationError)?;
        let (_, seconds) = units.find(|(name, _)| *name == unit).ok_or(DurationError)?;
        let part = number.checked_mul(*seconds).ok_or(DurationError)?;
        sum = sum.checked_add(part).ok_or(DurationError)?;
        rest = &after[unit.len_utf8()..];
    }
    let read = Duration::seconds(sum);
    if text.is_empty() || read > MAX {
        return Err(DurationError);
    }
    Ok(read)
}

/// For people, rounded down to the largest unit of which there are two or more: `89 days`, `36 hours`, `0 seconds`.
pub fn in_words(span: Duration) -> String {
    let seconds = span.whole_seconds().abs();
    let (count, unit) = WORDS
        .iter()
        .find(|(_, of)| seconds >= 2 * of)
        .map_or((seconds, "second"), |(name, of)| (seconds / of, name));
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
const WORDS: [(&str, i64); 3] = [("day", 86_400), ("hour", 3_600), ("minute", 60)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_from_long_to_short() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("45m", 2_700),
            ("36h", 129_600),
            ("10d", 864_000),
            ("2w", 1_209_600),
            ("1h15m", 4_500),
            ("1w1d1h1m1s", 694_861),
            ("36525d", MAX.whole_seconds()),
        ] {
            assert_eq!(parse(text), Ok(Duration::seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "10",
            "d",
            "10 d",
            " 10d",
            "10d ",
            "10D",
            "-1d",
            "+1d",
            "1.5d",
            "10dd",
            "1d1d",
            "1m1h",
            "1d10",
            "10ö",
            "٣d",
            "36526d",
            "99999999999999999999d",
            "9223372036854775807w",
        ] {
            assert_eq!(parse(text), Err(DurationError), "{text}");
        }
    }

    #[test]
    fn words_name_the_largest_unit_of_which_there_are_two() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (-864_000, "10 days"),
        ] {
            assert_eq!(in_words(Duration::seconds(seconds)), words);
        }
    }
}
