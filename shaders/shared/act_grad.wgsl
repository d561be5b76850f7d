// Derivatives of the activations by number, in the order of `graph::Act`.
#import act

fn act_grad(kind: u32, x: f32) -> f32 {
    switch kind {
        case 1u: { return select(0.0, 1.0, x > 0.0); }
        case 2u: {
            let s = 1.0 / (1.0 + exp_safe(-x));
            return s * (1.0 + x * (1.0 - s));
        }
        case 3u: { return 0.5 * (1.0 + erf(x * 0.7071067811865476)) + x * 0.3989422804014327 * exp_safe(-0.5 * x * x); }
        case 4u: {
            let t = tanh_safe(0.7978845608028654 * (x + 0.044715 * x * x * x));
            return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * x * x);
        }
        case 5u: {
            let s = 1.0 / (1.0 + exp_safe(-1.702 * x));
            return s * (1.0 + 1.702 * x * (1.0 - s));
        }
        case 6u: {
            // s(x) s(-x), which keeps its digits where s is near 1.
            let e = exp_safe(-abs(x));
            return e / ((1.0 + e) * (1.0 + e));
        }
        case 7u: {
            let t = tanh_safe(x);
            return 1.0 - t * t;
        }
        default: { return 1.0; }
    }
}
