// The session's page table: word 0 is the longest length S after this run, word 1 the number of pages a row; then for
// each row its length and its pages in order. A page holds the keys of PAGE tokens, then their values.
const PAGE = 128u;

@group(1) @binding(1) var<storage, read> table: array<u32>; // [2 + rows * (1 + pages)]

// Tokens that row b holds after this run.
fn row_len(b: u32) -> u32 {
    return table[2u + b * (1u + table[1])];
}

// The place of the keys of token s of row b in the pages, in tokens; its values stand PAGE tokens behind.
fn token_place(b: u32, s: u32) -> u32 {
    return table[3u + b * (1u + table[1]) + s / PAGE] * 2u * PAGE + s % PAGE;
}
