//! `strftime_now`.

use super::budget::refuse;
use minijinja::Error;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A moment in the calendar.
struct Moment {
    year: i64,
    month: usize,
    day: i64,
    day_of_year: i64,
    weekday: usize,
    second: i64,
}

/// The calendar of a day counted from 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms": years begin in
/// March, so that the leap day comes last).
fn moment(now: i64) -> Moment {
    let (days, second) = (now.div_euclid(86_400), now.rem_euclid(86_400));
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let from_march = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * from_march + 2) / 153;
    let month = (march_month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let day_of_year = if month < 2 { from_march - 305 } else { from_march + 60 + leap };
    let weekday = (days + 4).rem_euclid(7) as usize;
    Moment {
        year,
        month: month as usize,
        day: from_march - (153 * march_month + 2) / 5 + 1,
        day_of_year,
        weekday,
        second,
    }
}

/// A local time, in seconds since 1970 began there, in the words of C's `strftime`.
pub(super) fn format(now: i64, format: &str) -> Result<String, Error> {
    const FURTHEST: i64 = 1 << 40;
    if !(-FURTHEST..FURTHEST).contains(&now) || format.len() > 1000 {
        return Err(refuse("strftime_now: no such time or format"));
    }
    let moment = moment(now);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('-') => {
                let part = moment.part(rest.next())?;
                text.push_str(match part.trim_start_matches(['0', ' ']) {
                    "" => "0",
                    short => short,
                });
            }
            code => text.push_str(&moment.part(code)?),
        }
    }
    Ok(text)
}

impl Moment {
    /// One conversion.
    fn part(&self, code: Option<char>) -> Result<String, Error> {
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let half = (hour + 11) % 12 + 1;
        let (month, day) = (MONTHS[self.month], DAYS[self.weekday]);
        Ok(match code {
            Some('Y') => self.year.to_string(),
            Some('y') => format!("{:02}", self.year.rem_euclid(100)),
            Some('m') => format!("{:02}", self.month + 1),
            Some('d') => format!("{:02}", self.day),
            Some('e') => format!("{:2}", self.day),
            Some('j') => format!("{:03}", self.day_of_year),
            Some('B') => month.into(),
            Some('b' | 'h') => month[..3].into(),
            Some('A') => day.into(),
            Some('a') => day[..3].into(),
            Some('w') => self.weekday.to_string(),
            Some('u') => ((self.weekday + 6) % 7 + 1).to_string(),
            Some('H') => format!("{hour:02}"),
            Some('I') => format!("{half:02}"),
            Some('M') => format!("{minute:02}"),
            Some('S') => format!("{second:02}"),
            Some('f') => "000000".into(),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.into(),
            Some('F') => format!("{}-{:02}-{:02}", self.year, self.month + 1, self.day),
            Some('T' | 'X') => format!("{hour:02}:{minute:02}:{second:02}"),
            Some('R') => format!("{hour:02}:{minute:02}"),
            Some('D' | 'x') => format!("{:02}/{:02}/{:02}", self.month + 1, self.day, self.year.rem_euclid(100)),
            Some('c') => {
                format!("{} {} {:2} {hour:02}:{minute:02}:{second:02} {}", &day[..3], &month[..3], self.day, self.year)
            }
            Some('Z' | 'z') => String::new(),
            Some('%') => "%".into(),
            Some(other) => return Err(refuse(format!("strftime_now: %{other} is not supported"))),
            None => return Err(refuse("strftime_now: the format ends with %")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "%d %b %Y", "01 Jan 1970"),
            (951_782_400, "%Y-%m-%d %j %a", "2000-02-29 060 Tue"),
            (1_722_000_000, "%d %B %Y %H:%M:%S", "26 July 2024 13:20:00"),
            (-1, "%A %-d %I %p", "Wednesday 31 11 PM"),
            (1_704_067_200, "%F %j %-H%%", "2024-01-01 001 0%"),
            (4_102_444_799, "%c", "Thu Dec 31 23:59:59 2099"),
            (1_735_603_200, "%j", "366"),
            (1_709_251_200, "%j", "061"),
        ];
        for (now, code, wanted) in cases {
            assert_eq!(format(now, code).unwrap(), wanted, "{now} {code}");
        }
        assert!(format(0, "%Q").is_err() && format(0, "%").is_err() && format(i64::MAX, "%Y").is_err());
    }
}
