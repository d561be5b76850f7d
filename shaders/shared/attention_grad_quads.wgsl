// Four neighbours of each side of the gradients of attention, zero behind the width.

fn q_quad(i: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(q[i + d], q[i + d + 1u], q[i + d + 2u], q[i + d + 3u]);
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = q[i + e];
    }
    return x;
}

fn dout_quad(i: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(dout[i + d], dout[i + d + 1u], dout[i + d + 2u], dout[i + d + 3u]);
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = dout[i + e];
    }
    return x;
}

fn k_quad(j: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(k[j + d], k[j + d + 1u], k[j + d + 2u], k[j + d + 3u]);
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = k[j + e];
    }
    return x;
}

fn v_quad(j: u32, d: u32) -> vec4f {
    if d + 4u <= params.dim {
        return vec4f(v[j + d], v[j + d + 1u], v[j + d + 2u], v[j + d + 3u]);
    }
    var x = vec4f();
    for (var e = d; e < params.dim; e++) {
        x[e - d] = v[j + e];
    }
    return x;
}
