// The largest value over a workgroup of 256 threads and its index, the lowest on ties.
var<workgroup> best_value: array<f32, 256>;
var<workgroup> best_index: array<u32, 256>;

// An index that no candidate has.
const NO_INDEX = 0xffffffffu;

// Whether candidate a comes before candidate b.
fn before(a_value: f32, a_index: u32, b_value: f32, b_index: u32) -> bool {
    if a_index == NO_INDEX || b_index == NO_INDEX {
        return b_index == NO_INDEX && a_index != NO_INDEX;
    }
    return a_value > b_value || (a_value == b_value && a_index < b_index);
}

// Leaves the winner in best_value[0] and best_index[0].
fn workgroup_best(value: f32, index: u32, local: u32) {
    workgroupBarrier();
    best_value[local] = value;
    best_index[local] = index;
    for (var half = 128u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if local < half {
            let other = local + half;
            if before(best_value[other], best_index[other], best_value[local], best_index[local]) {
                best_value[local] = best_value[other];
                best_index[local] = best_index[other];
            }
        }
    }
    workgroupBarrier();
}
