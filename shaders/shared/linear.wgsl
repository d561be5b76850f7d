// What the linear kernels share.
#import act
#import weight

struct Params {
    m: u32,       // rows of x
    k: u32,       // features of x
    n: u32,       // rows of w here
    stride: u32,  // words of a row of w
    start: u32,   // column of y of the first row of w
    width: u32,   // columns of y
    bias: u32,    // 1 if there is a bias
    act: u32,     // activation
}

// Four features of row r of x, zeros behind the last.
fn x_quad(r: u32, k: u32) -> vec4f {
    let at = r * params.k + k;
    if k + 4u <= params.k {
        return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
    }
    var quad = vec4f();
    for (var i = 0u; k + i < params.k; i++) {
        quad[i] = x[at + i];
    }
    return quad;
}

fn finish(sum: f32, r: u32, row: u32) {
    let column = params.start + row;
    var value = sum;
    if params.bias == 1u {
        value += bias[column];
    }
    y[r * params.width + column] = act(params.act, value);
}
