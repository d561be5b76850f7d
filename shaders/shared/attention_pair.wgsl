// A query and a key of the gradients of attention, whose products one thread makes.

fn four_products(i: u32, j: u32) -> vec2f {
    let x = vec4f(q[i], q[i + 1u], q[i + 2u], q[i + 3u]);
    let y = vec4f(k[j], k[j + 1u], k[j + 2u], k[j + 3u]);
    let dz = vec4f(dout[i], dout[i + 1u], dout[i + 2u], dout[i + 3u]);
    let z = vec4f(v[j], v[j + 1u], v[j + 2u], v[j + 3u]);
    return vec2f(dot(x, y), dot(dz, z));
}

// q.k and dout.v
fn products(i: u32, j: u32) -> vec2f {
    var sums = vec2f();
    for (var d = 0u; d + 16u <= params.dim; d += 16u) {
        sums += (four_products(i + d, j + d) + four_products(i + d + 4u, j + d + 4u))
            + (four_products(i + d + 8u, j + d + 8u) + four_products(i + d + 12u, j + d + 12u));
    }
    for (var d = params.dim & 0xfffffff0u; d < params.dim; d++) {
        sums += vec2f(q[i + d] * k[j + d], dout[i + d] * v[j + d]);
    }
    return sums;
}

// Query i and key s, whose values stand at j.
fn pair(i: u32, s: u32, j: u32) -> Pair {
    return pair_of(i, s, products(i * params.dim, j));
}
