// Sine and cosine to single precision: WGSL promises an error of 2^-11 at most, and within one turn only.

// An angle as quarters of a turn and the rest, at most an eighth of a turn. pi / 2 is taken in three parts, the first two
// short enough that their multiples are exact.
struct Quarters {
    count: i32,
    rest: f32,
}

fn quarters(angle: f32) -> Quarters {
    let n = round(angle * 0.6366197723675814);
    return Quarters(i32(n), ((angle - n * 1.5703125) - n * 0.0004837512969970703) - n * 7.549789954891882e-8);
}

// The point of the unit circle at an angle: its cosine and sine, by their series.
fn circle(angle: f32) -> vec2f {
    let q = quarters(angle);
    let x = q.rest;
    let s = x * x;
    let sine = x * (1.0 - s * (1.0 / 6.0 - s * (1.0 / 120.0 - s * (1.0 / 5040.0 - s * (1.0 / 362880.0)))));
    let cosine = 1.0 - s * (0.5 - s * (1.0 / 24.0 - s * (1.0 / 720.0 - s * (1.0 / 40320.0))));
    let swapped = select(vec2(cosine, sine), vec2(-sine, cosine), (q.count & 1) == 1);
    return select(swapped, -swapped, (q.count & 2) == 2);
}

fn sine(angle: f32) -> f32 {
    return circle(angle).y;
}

fn cosine(angle: f32) -> f32 {
    return circle(angle).x;
}
