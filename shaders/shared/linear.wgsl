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

fn finish(sum: f32, r: u32, row: u32) {
    let column = params.start + row;
    var value = sum;
    if params.bias == 1u {
        value += bias[column];
    }
    y[r * params.width + column] = act(params.act, value);
}
