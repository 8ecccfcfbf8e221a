//! Dates as exports write them: padded or not, ISO, Chinese, or an Excel serial number.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use hotline_kernel::time::{Timestamp, Zone};

/// Years that a date may have; a number outside is something else.
const YEARS: std::ops::RangeInclusive<i32> = 1949..=2100;
/// Excel's day numbers of about 1954 to 2119; smaller and larger numbers are something else.
const SERIALS: std::ops::Range<f64> = 20_000.0..80_000.0;

/// The instant that `cell` tells, read as wall-clock time of `zone` where it names no offset; a day
/// without a time is its beginning. `formats` are further chrono formats. `None` if it is no date:
/// nothing is guessed.
pub(super) fn parse(cell: &str, zone: Zone, formats: &[String]) -> Option<Timestamp> {
    let cell = cell.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(cell) {
        return YEARS
            .contains(&chrono::Datelike::year(&at))
            .then(|| at.to_utc());
    }
    let wall = spelled(cell)
        .or_else(|| serial(cell))
        .or_else(|| by_formats(cell, formats))?;
    YEARS
        .contains(&chrono::Datelike::year(&wall))
        .then(|| zone.local(wall))
        .flatten()
}

/// What may stand after year, month, day, hour, minute, second and fraction.
const SIGNS: [&[&str]; 7] = [
    &["-", "/", ".", "年"],
    &["-", "/", ".", "月"],
    &["", "T", "日", "号"],
    &[":", "：", "时", "点"],
    &[":", "：", "分", ""],
    &["", "秒", "."],
    &[""],
];

/// Year, month, day and perhaps hour, minute, second, with any of the usual signs between them; or
/// eight or fourteen digits.
fn spelled(cell: &str) -> Option<NaiveDateTime> {
    let mut numbers = Vec::new();
    let mut signs = Vec::new();
    let mut rest = cell;
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        numbers.push(number);
        let sign = tail
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(tail.len());
        signs.push(tail[..sign].trim());
        rest = &tail[sign..];
    }
    if let ([digits], [""]) = (numbers.as_slice(), signs.as_slice()) {
        return compact(digits);
    }
    let fits = |(at, sign): (usize, &&str)| SIGNS.get(at).is_some_and(|signs| signs.contains(sign));
    let lengths_fit =
        numbers.first()?.len() == 4 && numbers[1..].iter().take(5).all(|part| part.len() <= 2);
    // a day may stand alone, a time needs its minute
    let count_fits = matches!(numbers.len(), 3 | 5 | 6 | 7);
    if !count_fits
        || !lengths_fit
        || !signs.iter().enumerate().all(fits)
        || signs[0] == "年" && signs[1] != "月"
    {
        return None;
    }
    from_parts(&numbers)
}

fn compact(digits: &str) -> Option<NaiveDateTime> {
    let at = |from: usize, to: usize| digits.get(from..to);
    match digits.len() {
        8 => from_parts(&[at(0, 4)?, at(4, 6)?, at(6, 8)?]),
        14 => from_parts(&[
            at(0, 4)?,
            at(4, 6)?,
            at(6, 8)?,
            at(8, 10)?,
            at(10, 12)?,
            at(12, 14)?,
        ]),
        _ => None,
    }
}

fn from_parts(parts: &[&str]) -> Option<NaiveDateTime> {
    let part = |at: usize| {
        parts
            .get(at)
            .map_or(Some(0), |digits| digits.parse::<u32>().ok())
    };
    let year = i32::try_from(part(0)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, part(1)?, part(2)?)?;
    Some(day.and_time(NaiveTime::from_hms_opt(part(3)?, part(4)?, part(5)?)?))
}

/// Excel's count of days since 1899-12-30, to the nearest second.
fn serial(cell: &str) -> Option<NaiveDateTime> {
    let days: f64 = cell.parse().ok()?;
    if !SERIALS.contains(&days) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "80,000 days are 7e9 seconds"
    )]
    let seconds = (days * 86_400.0).round() as i64;
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_time(NaiveTime::MIN);
    epoch.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

fn by_formats(cell: &str, formats: &[String]) -> Option<NaiveDateTime> {
    formats.iter().find_map(|format| {
        let day =
            || NaiveDate::parse_from_str(cell, format).map(|day| day.and_time(NaiveTime::MIN));
        NaiveDateTime::parse_from_str(cell, format)
            .or_else(|_| day())
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cell: &str) -> Option<String> {
        let at = parse(cell, Zone::SHANGHAI, &["%d.%m.%Y".to_owned()])?;
        Some(
            Zone::SHANGHAI
                .wall(at)
                .format("%Y-%m-%d %H:%M:%S")
                .to_string(),
        )
    }

    #[test]
    fn every_way_of_writing_a_date_is_read() {
        let noon = "2020-01-06 12:09:38";
        let cases = [
            ("2020/1/6 12:09:38", noon),
            ("2020-01-06 12:09:38", noon),
            ("2020-01-06T12:09:38", noon),
            ("2020-01-06T12:09:38+08:00", noon),
            ("2020-01-06T04:09:38Z", noon),
            ("2020-01-06 12:09:38.250", noon),
            ("2020.1.6 12:09:38", noon),
            ("2020年1月6日 12时09分38秒", noon),
            ("2020年1月6日12:09:38", noon),
            ("20200106120938", noon),
            ("43836.506689814815", noon),
            (" 2020/1/6  12:09:38 ", noon),
            ("2020/1/6 9:5", "2020-01-06 09:05:00"),
            ("2020/1/6 9:05", "2020-01-06 09:05:00"),
            ("2018/4/24", "2018-04-24 00:00:00"),
            ("2018年4月24日", "2018-04-24 00:00:00"),
            ("20180424", "2018-04-24 00:00:00"),
            ("43214", "2018-04-24 00:00:00"),
            ("24.04.2018", "2018-04-24 00:00:00"),
        ];
        for (cell, expected) in cases {
            assert_eq!(told(cell).as_deref(), Some(expected), "{cell:?}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_guessed() {
        let cases = [
            "",
            "路灯不亮",
            "A00074011",
            "2549",
            "188119",
            "19900000001",
            "2020/13/6",
            "2020/2/30",
            "2020/1/6 25:00:00",
            "6/1/2020",
            "1/6/20",
            "2020-01",
            "2020/1/6 12",
            "0220/1/6",
            "2020年1/6",
            "2020/1/6 12:09:38 谢谢",
            "2020/1/6/7",
            "inf",
            "NaN",
            "-43836",
        ];
        for cell in cases {
            assert_eq!(told(cell), None, "{cell:?}");
        }
    }
}
