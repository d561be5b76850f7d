// What the tiled attention kernels share: slices of 32 rows by 32 columns in workgroup memory, and products of two.
//
// A workgroup has 64 threads; thread 8 r + c holds the rows 4 r to 4 r + 3 of every block.

// Slices of a head's columns that fit into registers as sums.
#ifdef broad
const SLICES = 4u;
#else
const SLICES = 2u;
#endif

// Slices in one of two orders: [quad of columns][row] with one row of padding, to be multiplied along the columns, or
// [row][quad of columns] with one quad of padding, to be added up over the rows.
var<workgroup> x_tile: array<vec4f, 288>;
var<workgroup> y_tile: array<vec4f, 288>;
// [row of y][quad of rows of x]: by what each row of y is multiplied.
var<workgroup> factors: array<vec4f, 288>;

// x yᵀ over 32 columns, both by columns: of four rows of x each with the rows c, c + 8, c + 16 and c + 24 of y.
fn products(local: u32) -> mat4x4f {
    let r = 4u * (local / 8u);
    let c = local % 8u;
    var sums = mat4x4f();
    for (var j = 0u; j < 264u; j += 33u) {
        let y0 = y_tile[j + c];
        let y1 = y_tile[j + c + 8u];
        let y2 = y_tile[j + c + 16u];
        let y3 = y_tile[j + c + 24u];
        let x0 = x_tile[j + r];
        let x1 = x_tile[j + r + 1u];
        let x2 = x_tile[j + r + 2u];
        let x3 = x_tile[j + r + 3u];
        sums += mat4x4f(
            vec4f(dot(x0, y0), dot(x0, y1), dot(x0, y2), dot(x0, y3)),
            vec4f(dot(x1, y0), dot(x1, y1), dot(x1, y2), dot(x1, y3)),
            vec4f(dot(x2, y0), dot(x2, y1), dot(x2, y2), dot(x2, y3)),
            vec4f(dot(x3, y0), dot(x3, y1), dot(x3, y2), dot(x3, y3)),
        );
    }
    return sums;
}

// Keeps a thread's block of products as factors.
fn keep_factors(block: mat4x4f, local: u32) {
    let turned = transpose(block);
    let at = 9u * (local % 8u) + local / 8u;
    factors[at] = turned[0];
    factors[at + 72u] = turned[1];
    factors[at + 144u] = turned[2];
    factors[at + 216u] = turned[3];
}

// The sum of 32 rows of y, by rows, times their factors: of four rows each the columns 4 c to 4 c + 3.
fn weighted(local: u32) -> mat4x4f {
    let r = local / 8u;
    let c = local % 8u;
    var sums = mat4x4f();
    for (var j = 0u; j < 288u; j += 9u) {
        let p = factors[j + r];
        let y = y_tile[j + c];
        sums += mat4x4f(p.x * y, p.y * y, p.z * y, p.w * y);
    }
    return sums;
}
