// The session's page table: word 0 is the longest length S after this run, word 1 the number of pages a row; then for
// each row its length and its pages in order.
const PAGE = 128u;

@group(1) @binding(2) var<storage, read> table: array<u32>; // [2 + rows * (1 + pages)]

// Tokens that row b holds after this run.
fn row_len(b: u32) -> u32 {
    return table[2u + b * (1u + table[1])];
}

// The place of token s of row b in the pages, in tokens.
fn token_place(b: u32, s: u32) -> u32 {
    return table[3u + b * (1u + table[1]) + s / PAGE] * PAGE + s % PAGE;
}
