// Activation functions by number, in the order of `graph::Act`; 0 is the identity.

// e^x without overflow.
fn exp_safe(x: f32) -> f32 {
    return exp(clamp(x, -87.0, 87.0));
}

// Some drivers compute tanh as a quotient of exponentials, which overflows.
fn tanh_safe(x: f32) -> f32 {
    return tanh(clamp(x, -15.0, 15.0));
}

// erf by Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
fn erf(x: f32) -> f32 {
    let a = abs(x);
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign(x) * (1.0 - p * exp_safe(-a * a));
}

fn act(kind: u32, x: f32) -> f32 {
    switch kind {
        case 1u: { return max(x, 0.0); }
        case 2u: { return x / (1.0 + exp_safe(-x)); }
        case 3u: { return 0.5 * x * (1.0 + erf(x * 0.7071067811865476)); }
        case 4u: { return 0.5 * x * (1.0 + tanh_safe(0.7978845608028654 * (x + 0.044715 * x * x * x))); }
        case 5u: { return x / (1.0 + exp_safe(-1.702 * x)); }
        case 6u: { return 1.0 / (1.0 + exp_safe(-x)); }
        case 7u: { return tanh_safe(x); }
        default: { return x; }
    }
}
