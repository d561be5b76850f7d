// Sums and maximum over a workgroup of 64 threads, in a fixed order.
var<workgroup> partial: array<f32, 64>;

fn workgroup_sum(value: f32, local: u32) -> f32 {
    workgroupBarrier();
    partial[local] = value;
    for (var half = 32u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if local < half {
            partial[local] += partial[local + half];
        }
    }
    workgroupBarrier();
    return partial[0];
}

var<workgroup> partials: array<vec4f, 64>;

// Four sums at once.
fn workgroup_sum4(values: vec4f, local: u32) -> vec4f {
    workgroupBarrier();
    partials[local] = values;
    for (var half = 32u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if local < half {
            partials[local] += partials[local + half];
        }
    }
    workgroupBarrier();
    return partials[0];
}

fn workgroup_max(value: f32, local: u32) -> f32 {
    workgroupBarrier();
    partial[local] = value;
    for (var half = 32u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if local < half {
            partial[local] = max(partial[local], partial[local + half]);
        }
    }
    workgroupBarrier();
    return partial[0];
}
