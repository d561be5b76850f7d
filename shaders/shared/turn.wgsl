// An angle brought into one turn: WGSL promises sine and cosine there only. 2 pi is taken in two
// parts, the first short enough that its multiples are exact.
fn one_turn(angle: f32) -> f32 {
    let turns = round(angle * 0.15915494309189535);
    return (angle - turns * 6.28125) - turns * 0.0019353071795864769;
}

// A sine whose error is small beside the sine: GPUs promise 2^-11 at most, also where it is near zero.
fn sine(angle: f32) -> f32 {
    let x = one_turn(angle);
    let square = x * x;
    let near = x - x * square * (1.0 / 6.0 - square * (1.0 / 120.0));
    return select(sin(x), near, abs(x) < 0.25);
}

fn cosine(angle: f32) -> f32 {
    return cos(one_turn(angle));
}
