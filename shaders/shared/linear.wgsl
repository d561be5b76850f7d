// What the linear kernels share: up to three projections of one value run as one, each with its own result.
// The variants `gated` run a gate and what it gates as one: y = act(gate) * up.
#import act
#import weight

struct Params {
    m: u32,       // rows of x
    k: u32,       // features of x
    n: u32,       // rows of w here; in the variants `gated`, rows of the gate
    stride: u32,  // words of a row of w
    first: u32,   // first row of w
    start: u32,   // its column
    end0: u32,    // columns before here go to y, those before end1 to y1, all others to y2
    end1: u32,
    width: u32,   // columns
    bias: u32,    // 1 if there is a bias
    act: u32,     // activation
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // [m, k]
@group(0) @binding(2) var<storage, read> w: array<u32>;        // [first + n or more, stride]
@group(0) @binding(3) var<storage, read> bias: array<f32>;     // [width] or unused
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // [m, end0]
#ifndef gated
@group(0) @binding(5) var<storage, read_write> y1: array<f32>; // [m, end1 - end0] or unused
@group(0) @binding(6) var<storage, read_write> y2: array<f32>; // [m, width - end1] or unused
#endif

// Four features of row r of x. Only formats of single values have a row end inside: zeros stand behind it.
fn x_quad(r: u32, k: u32) -> vec4f {
    let at = r * params.k + k;
    if HAS_TAIL {
        let last = vec4u(params.k - 1u - k);
        let place = vec4u(0u, 1u, 2u, 3u);
        let i = at + min(place, last);
        return select(vec4f(), vec4f(x[i.x], x[i.y], x[i.z], x[i.w]), place <= last);
    }
    return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

// A thread or workgroup multiplies four rows of w: neighbours or, in the variants `gated`, two rows of the gate and the
// same two of what it gates, which lies n rows behind.
#ifdef gated
const COLUMNS = 2u;

fn block_rows(block: u32) -> vec4u {
    let c = min(COLUMNS * block + vec4u(0u, 1u, 0u, 1u), vec4u(params.n - 1u));
    return (params.first + c + vec4u(0u, 0u, params.n, params.n)) * params.stride;
}

// act(gate) * up
fn finish_gated(gate: f32, up: f32, r: u32, column: u32) {
    var pair = vec2f(gate, up);
    if params.bias == 1u {
        pair += vec2f(bias[column], bias[params.n + column]);
    }
    y[r * params.n + column] = act(params.act, pair.x) * pair.y;
}

fn finish_block(sums: vec4f, r: u32, block: u32) {
    for (var i = 0u; i < min(COLUMNS, params.n - COLUMNS * block); i++) {
        finish_gated(sums[i], sums[i + 2u], r, COLUMNS * block + i);
    }
}
#else
const COLUMNS = 4u;

fn block_rows(block: u32) -> vec4u {
    let c = min(COLUMNS * block + vec4u(0u, 1u, 2u, 3u), vec4u(params.n - 1u));
    return (params.first + c) * params.stride;
}

// Stores the product of row r of x and row `row` of this part.
fn finish(sum: f32, r: u32, row: u32) {
    let column = params.start + row;
    var value = sum;
    if params.bias == 1u {
        value += bias[column];
    }
    value = act(params.act, value);
    if column < params.end0 {
        y[r * params.end0 + column] = value;
    } else if column < params.end1 {
        y1[r * (params.end1 - params.end0) + column - params.end0] = value;
    } else {
        y2[r * (params.width - params.end1) + column - params.end1] = value;
    }
}

fn finish_block(sums: vec4f, r: u32, block: u32) {
    for (var i = 0u; i < min(COLUMNS, params.n - COLUMNS * block); i++) {
        finish(sums[i], r, COLUMNS * block + i);
    }
}
#endif
