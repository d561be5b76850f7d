// A window that slides over pictures [B, H, W, C]; it has places [B, H', W'].
struct Params {
    n: u32,               // elements of the result
    rows: u32,            // H
    columns: u32,         // W
    channels: u32,        // C
    down: u32,            // H'
    across: u32,          // W'
    kernel_rows: u32,
    kernel_columns: u32,
    stride_rows: u32,
    stride_columns: u32,
    padding_rows: u32,    // zeros before the first row
    padding_columns: u32,
    dilation_rows: u32,
    dilation_columns: u32,
#ifdef depthwise
    bias: u32,            // 1 if there is a bias
    act: u32,             // activation
#endif
}

@group(0) @binding(0) var<uniform> params: Params;

// The row and column of the picture that an element of the window sees. What lies before the first wraps around and is
// beyond the last.
fn seen(place: vec2u, tap: vec2u) -> vec2u {
    let stride = vec2u(params.stride_rows, params.stride_columns);
    let dilation = vec2u(params.dilation_rows, params.dilation_columns);
    return place * stride + tap * dilation - vec2u(params.padding_rows, params.padding_columns);
}
