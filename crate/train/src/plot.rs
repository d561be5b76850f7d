//! The metrics as one HTML file that opens anywhere: drawings in SVG, no script, nothing from outside.

use std::fmt::Write;

use crate::metrics::Record;

/// Of a drawing, in its own units.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 260.0;
/// Around the drawing, for its numbers.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 28.0;
/// The most points of a line; more are averaged.
const POINTS: usize = 600;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;\
    color:#1c2430;background:#fdfdfb}svg{width:100%;height:auto}h2{font-size:1rem;margin:1.6rem 0 .2rem}\
    text{font-size:12px;fill:currentColor}.grid{stroke:currentColor;opacity:.15}.raw{stroke:#7aa6d8;opacity:.45}\
    .line{stroke:#1f6fc0}.held{stroke:#c0392b}path{fill:none;stroke-width:1.6}circle{fill:#c0392b}\
    pre{white-space:pre-wrap;background:#8881;padding:.6rem;border-radius:6px}\
    @media(prefers-color-scheme:dark){body{color:#e4e7ec;background:#15181d}.line{stroke:#6db1f5}.held{stroke:#f08c7f}}";

/// One line of a drawing.
struct Line {
    class: &'static str,
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// The page of a training run called `name`.
pub fn html(name: &str, records: &[Record]) -> String {
    let steps = |value: fn(&Record) -> Option<(u64, f64)>| -> Vec<(f64, f64)> {
        records.iter().filter_map(value).filter(|(_, y)| y.is_finite()).map(|(x, y)| (x as f64, y)).collect()
    };
    let loss = steps(|record| match record {
        Record::Step { step, loss: Some(loss), .. } => Some((*step, *loss)),
        _ => None,
    });
    let held = steps(|record| match record {
        Record::Validation { step, loss } => Some((*step, *loss)),
        _ => None,
    });
    let rate = steps(|record| match record {
        Record::Step { step, learning_rate, .. } => Some((*step, *learning_rate)),
        _ => None,
    });
    let speed = steps(|record| match record {
        Record::Step { step, tokens_per_s, .. } => Some((*step, *tokens_per_s)),
        _ => None,
    });
    let line = |class, name, points: &[(f64, f64)]| Line { class, name, points: thinned(points) };
    let mut page = String::new();
    let title = escaped(name);
    let _ = write!(page, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>");
    let _ =
        write!(page, "<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style><h1>{title}</h1>");
    page.push_str(&summary(records));
    let smooth = smoothed(&loss);
    let losses = [line("raw", "each step", &loss), line("line", "mean", &smooth), line("held", "held out", &held)];
    page.push_str(&drawing("Loss, nats a token", &losses));
    page.push_str(&drawing("Learning rate", &[line("line", "learning rate", &rate)]));
    page.push_str(&drawing("Tokens a second", &[line("line", "tokens a second", &speed)]));
    page.push_str(&samples(records));
    page.push_str("</html>\n");
    page
}

fn summary(records: &[Record]) -> String {
    let last = records.iter().rev().find_map(|record| match record {
        Record::Step { step, tokens, seconds, .. } => Some((*step, *tokens, *seconds)),
        _ => None,
    });
    let held = records.iter().rev().find_map(|record| match record {
        Record::Validation { loss, .. } => Some(*loss),
        _ => None,
    });
    let Some((step, tokens, seconds)) = last else { return "<p>No step yet.</p>".into() };
    let held = held.map_or_else(String::new, |loss| format!(" Held-out loss {loss:.3}, perplexity {:.1}.", loss.exp()));
    format!("<p>{step} steps, {tokens} tokens, {:.1} hours.{held}</p>", seconds / 3600.0)
}

/// The last text of each prompt.
fn samples(records: &[Record]) -> String {
    let last = records.iter().rev().find_map(|record| match record {
        Record::Sample { step, .. } => Some(*step),
        _ => None,
    });
    let mut out = String::new();
    for record in records {
        if let Record::Sample { step, prompt, text } = record
            && Some(*step) == last
        {
            let _ = write!(out, "<pre><b>{}</b>{}</pre>", escaped(prompt), escaped(text));
        }
    }
    last.map_or_else(String::new, |step| format!("<h2>Texts after {step} steps</h2>{out}"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A running mean over about a fiftieth of the points.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let keep = 1.0 - 1.0 / (points.len() as f64 / 50.0).max(1.0);
    let mut mean = points.first().map_or(0.0, |point| point.1);
    let smooth = points.iter().map(|(x, y)| {
        mean = keep * mean + (1.0 - keep) * y;
        (*x, mean)
    });
    smooth.collect()
}

fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(POINTS).max(1);
    let mean =
        |chunk: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| chunk.iter().map(of).sum::<f64>() / chunk.len() as f64;
    points.chunks(size).map(|chunk| (mean(chunk, |p| p.0), mean(chunk, |p| p.1))).collect()
}

fn drawing(title: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    if points().next().is_none() {
        return String::new();
    }
    let range = |of: fn(&(f64, f64)) -> f64| {
        let ends = points().map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        if ends.0 == ends.1 {
            (ends.0 - 0.5 * ends.0.abs().max(1e-9), ends.1 + 0.5 * ends.1.abs().max(1e-9))
        } else {
            ends
        }
    };
    let (xs, ys) = (range(|p| p.0), range(|p| p.1));
    let place = |(x, y): (f64, f64)| {
        let across = LEFT + (x - xs.0) / (xs.1 - xs.0) * (WIDTH - LEFT - 8.0);
        (across, (HEIGHT - BOTTOM) - (y - ys.0) / (ys.1 - ys.0) * (HEIGHT - BOTTOM - 10.0))
    };
    let mut svg = format!("<h2>{title}</h2><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
    for y in ticks(ys) {
        let (_, at) = place((xs.0, y));
        let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{WIDTH}\"/>");
        let _ =
            write!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", LEFT - 6.0, at + 4.0, number(y));
    }
    for x in ticks(xs) {
        let (at, _) = place((x, ys.0));
        let _ = write!(svg, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", HEIGHT - 8.0, number(x));
    }
    for line in lines.iter().filter(|line| !line.points.is_empty()) {
        svg.push_str(&path(line, place));
    }
    svg.push_str("</svg>");
    svg
}

fn path(line: &Line, place: impl Fn((f64, f64)) -> (f64, f64)) -> String {
    let mut svg = String::new();
    let mut d = String::new();
    for (at, point) in line.points.iter().enumerate() {
        let (x, y) = place(*point);
        let _ = write!(d, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" });
        if line.class == "held" {
            let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>");
        }
    }
    let _ = write!(svg, "<path class=\"{}\" d=\"{d}\"><title>{}</title></path>", line.class, line.name);
    svg
}

/// Round numbers within a range, about five.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    (first..first + 12).map(|at| at as f64 * step).take_while(|at| *at <= high).collect()
}

fn number(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && size < 1e-3 {
        return format!("{value:.1e}");
    }
    let text = if size >= 100.0 { format!("{value:.0}") } else { format!("{value:.4}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> Record {
        Record::Step {
            step,
            loss: Some(loss),
            learning_rate: 1e-3,
            grad_norm: None,
            tokens: step * 64,
            tokens_per_s: 1000.0,
            seconds: step as f64,
        }
    }

    #[test]
    fn the_page_stands_alone() {
        let mut records: Vec<Record> = (1..2000).map(|i| step(i, 9.0 / i as f64)).collect();
        records.push(Record::Validation { step: 1000, loss: 0.5 });
        records.push(Record::Sample { step: 1000, prompt: "<b>".into(), text: "a & b".into() });
        let page = html("a <model>", &records);
        assert!(page.contains("<title>a &lt;model&gt;</title>") && page.contains("<b>&lt;b&gt;</b>a &amp; b"));
        assert!(page.contains("1999 steps") && page.contains("perplexity 1.6"));
        assert_eq!(page.matches("<svg").count(), 3);
        for outside in ["http", "<script", "NaN", "inf", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.len() < 200_000, "{}", page.len());
    }

    #[test]
    fn few_or_equal_points_are_drawn_too() {
        assert!(html("x", &[]).contains("No step yet"));
        let page = html("x", &[step(1, 0.0), step(2, 0.0)]);
        assert!(!page.contains("NaN") && page.contains("<svg"));
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks((0.0, 10.0)), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks((0.9, 2.1)), [1.0, 1.5, 2.0]);
        assert_eq!(
            (number(0.5), number(12000.0), number(2e-5), number(100.0)),
            ("0.5".into(), "12000".into(), "2.0e-5".into(), "100".into())
        );
    }
}
