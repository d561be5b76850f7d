//! Damaged files: each gives one line of error, at once, and never much memory.
#![expect(clippy::unwrap_used, reason = "a test may end here")]

use dynasty_format::gguf::{Array, Metadata, TensorSpec, Value, Writer};
use dynasty_format::{Checkpoint, Dtype, Error, MemoryBytes, QuantType, WordTable, write_safetensors};
use std::alloc::{GlobalAlloc, Layout, System};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Remembers the largest block that was ever asked for.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// No file here is larger than a few megabytes, so nothing may ask for more than some of them.
const MOST: usize = 64 << 20;

fn open(data: &[u8]) -> Result<Checkpoint, Error> {
    pollster::block_on(Checkpoint::open_file(Rc::new(MemoryBytes::new("bad.bin", data))))
}

/// Opens a file that has to be refused, and compares a part of the message.
fn refused(case: &str, data: &[u8], expected: &str) {
    told(case, open(data).map(drop), expected);
}

/// As [`refused`], of word vectors.
fn no_words(case: &str, data: &[u8], expected: &str) {
    let opened = pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("bad.bin", data))));
    told(case, opened.map(drop), expected);
}

fn told(case: &str, outcome: Result<(), Error>, expected: &str) {
    let error = match outcome {
        Ok(()) => panic!("{case}: it was opened"),
        Err(error) => error.to_string(),
    };
    assert!(error.starts_with("bad.bin: "), "{case}: {error}");
    assert!(error.contains(expected), "{case}: {error}");
    assert!(!error.contains('\n') && error.len() < 1000, "{case}: {error}");
    assert!(LARGEST.load(Ordering::Relaxed) < MOST, "{case}: too much memory");
}

fn safetensors(json: &str, data: usize) -> Vec<u8> {
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.as_bytes());
    file.resize(file.len() + data, 0);
    file
}

#[test]
fn damaged_safetensors() {
    let tensor = |rest: &str| format!(r#"{{"t":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}{rest}}}"#);
    assert!(open(&safetensors(&tensor(""), 8)).is_ok());
    refused("empty", b"", "the file is empty");
    refused("seven bytes", &[1; 7], "too short");
    refused("length lies", &u64::MAX.to_le_bytes(), "the header claims");
    refused("length past the end", &safetensors(&tensor(""), 0)[..40], "the header claims");
    refused("text", b"This is not a model at all, it is text.", "the header claims");
    refused("no object", &safetensors("[]", 0), "not a JSON object");
    refused("empty header", &safetensors("", 0), "not a JSON object");
    refused("truncated data", &safetensors(&tensor(""), 7), "do not lie in the 7 bytes");
    refused("trailing data", &safetensors(&tensor(""), 9), "belong to no tensor");
    refused(
        "twice",
        &safetensors(&tensor(r#","t":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}"#), 8),
        "comes twice",
    );
    refused("overlap", &safetensors(&tensor(r#","u":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}"#), 8), "overlaps");
    refused("hole", &safetensors(&tensor(r#","u":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}"#), 10), "hole");
    let cases = [
        (r#"{"t":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#, "element type \"F33\""),
        (r#"{"t":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}}"#, "does not fit 8 bytes"),
        (r#"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, "does not fit 8 bytes"),
        (r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "offsets 8..0"),
        (r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}}"#, "do not lie"),
        (
            r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]}}"#,
            "do not lie",
        ),
        (r#"{"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#, "does not fit"),
        (
            r#"{"t":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]}}"#,
            "does not fit",
        ),
        (r#"{"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "the header is broken"),
        (r#"{"t":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}}"#, "the header is broken"),
        (r#"{"t":{"dtype":"F32","data_offsets":[0,8]}}"#, "missing field `shape`"),
        (r#"{"t":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}"#, "the header is broken"),
        (r#"{"t":null}"#, "the header is broken"),
        (r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]"#, "the header is broken"),
        (r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x"#, "the header is broken"),
    ];
    for (json, expected) in cases {
        refused(json, &safetensors(json, 8), expected);
    }
}

#[test]
fn enormous_and_deep_json() {
    let deep = |open: &str, n: usize| open.repeat(n);
    refused("deep lists", &safetensors(&format!("{{\"t\":{}", deep("[", 2_000_000)), 0), "the header is broken");
    refused("deep objects", &safetensors(&deep("{\"t\":", 400_000), 0), "the header is broken");
    let metadata = format!("{{\"__metadata__\":{}", deep("[", 2_000_000));
    refused("deep metadata", &safetensors(&metadata, 0), "the header is broken");
    let shape = format!(r#"{{"t":{{"dtype":"F32","shape":[{}1],"data_offsets":[0,8]}}}}"#, "1,".repeat(2_000_000));
    refused("a million dimensions", &safetensors(&shape, 8), "more than 16 dimensions");
    let mut many = String::from("{");
    for n in 0..300_000 {
        many.push_str(&format!(r#""{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},"#));
    }
    refused("too many tensors", &safetensors(&many, 0), "more than 262144 tensors");
    let long = format!(r#"{{"{}":{{"dtype":"X","shape":[2],"data_offsets":[0,8]}}}}"#, "name\\n".repeat(100_000));
    refused("a long name", &safetensors(&long, 8), "element type");
}

#[test]
fn other_files_are_named() {
    refused("zip", b"PK\x03\x04 and so on", "PyTorch");
    refused("pickle", b"\x80\x02 and so on", "pickle");
    refused("pointer", b"version https://git-lfs.github.com/spec/v1", "Git LFS");
    refused("hdf5", b"\x89HDF\r\n\x1a\n", "HDF5");
}

/// A GGUF header of counts and raw bytes.
fn gguf(version: u32, tensors: u64, keys: u64, rest: &[u8]) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend(version.to_le_bytes());
    file.extend(tensors.to_le_bytes());
    file.extend(keys.to_le_bytes());
    file.extend(rest);
    file
}

/// A key `k` of a type, without its value.
fn key(type_id: u32) -> Vec<u8> {
    [&1u64.to_le_bytes()[..], b"k", &type_id.to_le_bytes()].concat()
}

/// A tensor `t`.
fn tensor(dims: &[u64], type_id: u32, offset: u64) -> Vec<u8> {
    let mut out = [&1u64.to_le_bytes()[..], b"t", &(dims.len() as u32).to_le_bytes()].concat();
    out.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
    out.extend(type_id.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out
}

#[test]
fn damaged_gguf_metadata() {
    refused("magic only", b"GGUF", "should follow");
    refused("version 1", &gguf(1, 0, 0, &[]), "version 1 is not supported");
    refused("big endian", &gguf(0x0300_0000, 0, 0, &[]), "big-endian");
    refused("tensor count", &gguf(3, 1 << 60, 0, &[0; 100]), "tensors cannot be");
    refused("key count", &gguf(3, 0, 1 << 60, &[0; 100]), "metadata keys cannot be");
    refused("key length", &gguf(3, 0, 1, &[255; 100]), "should follow");
    let cases: [(&str, u32, Vec<u8>, &str); 10] = [
        ("unknown type", 13, vec![0; 32], "unknown type 13"),
        ("truth", 7, vec![2; 32], "truth value of 2"),
        ("string length", 8, vec![255; 32], "should follow"),
        ("string bytes", 8, [&4u64.to_le_bytes()[..], &[255; 32]].concat(), "not UTF-8"),
        ("array type", 9, vec![99; 32], "array of unknown type"),
        ("array count", 9, [&4u32.to_le_bytes()[..], &(1u64 << 60).to_le_bytes(), &[0; 32]].concat(), "cannot be"),
        ("string count", 9, [&8u32.to_le_bytes()[..], &(1u64 << 60).to_le_bytes(), &[0; 32]].concat(), "cannot be"),
        ("count overflow", 9, [&12u32.to_le_bytes()[..], &u64::MAX.to_le_bytes(), &[0; 32]].concat(), "cannot be"),
        ("ends early", 5, vec![0; 2], "should follow"),
        ("nested", 9, [9u32.to_le_bytes().as_slice(), &1u64.to_le_bytes()].concat().repeat(100_000), "nested deeper"),
    ];
    for (case, type_id, value, expected) in cases {
        refused(case, &gguf(3, 0, 1, &[key(type_id), value].concat()), expected);
    }
    let twice = [key(0), vec![1], key(0), vec![1]].concat();
    refused("key twice", &gguf(3, 0, 2, &twice), "comes twice");
    let alignment = |value: u32| {
        let name = b"general.alignment";
        let all = [&17u64.to_le_bytes()[..], name, &4u32.to_le_bytes(), &value.to_le_bytes()].concat();
        gguf(3, 0, 1, &all)
    };
    refused("alignment 0", &alignment(0), "general.alignment");
    refused("alignment 3", &alignment(3), "general.alignment");
    refused("alignment 2^31", &alignment(1 << 31), "general.alignment");
}

#[test]
fn damaged_gguf_tensors() {
    let one = |tensor: Vec<u8>| gguf(3, 1, 0, &[tensor, vec![0; 200]].concat());
    assert!(open(&one(tensor(&[8, 2], 0, 0))).is_ok());
    refused("five dimensions", &one(tensor(&[1; 5], 0, 0)), "5 dimensions");
    refused("many dimensions", &one([&1u64.to_le_bytes()[..], b"t", &u32::MAX.to_le_bytes()].concat()), "dimensions");
    refused("unknown type", &one(tensor(&[256], 16, 0)), "ggml type 16 is not supported");
    refused("no whole blocks", &one(tensor(&[33], 8, 0)), "do not fit q8_0");
    refused("overflowing product", &one(tensor(&[1 << 32, 1 << 32], 0, 0)), "do not fit");
    refused("huge dimension", &one(tensor(&[u64::MAX], 0, 0)), "do not fit");
    refused("past the end", &one(tensor(&[1000], 0, 0)), "do not lie");
    refused("unaligned", &one(tensor(&[8], 0, 4)), "not aligned");
    refused("offset past the end", &one(tensor(&[8], 0, 1 << 40)), "do not lie");
    refused("offset overflows", &one(tensor(&[8], 0, u64::MAX - 31)), "do not lie");
    let name = |offset| tensor(&[8, 2], 0, offset);
    refused("name twice", &gguf(3, 2, 0, &[name(0), name(64), vec![0; 300]].concat()), "comes twice");
    let mut other = name(32);
    other[8] = b'u';
    refused("overlap", &gguf(3, 2, 0, &[name(0), other, vec![0; 300]].concat()), "overlaps");
}

#[test]
fn gguf_of_impossible_heads() {
    let file = |heads: u32, rows: usize| {
        let mut metadata = Metadata::default();
        metadata.insert("general.architecture", Value::String("llama".into()));
        metadata.insert("llama.attention.head_count", Value::U32(heads));
        let dtype = Dtype::Quant(QuantType::F32);
        let spec = TensorSpec { name: "blk.0.attn_q.weight".into(), shape: vec![rows, 4], dtype };
        let mut writer = Writer::begin(Vec::new(), "test", &metadata, &[spec]).unwrap();
        writer.append(&vec![0; rows * 16]).unwrap();
        writer.finish().unwrap()
    };
    assert!(open(&file(2, 8)).is_ok());
    refused("no heads", &file(0, 8), "head_count");
    refused("odd heads", &file(2, 6), "not 2 heads");
    refused("more heads than rows", &file(1 << 20, 8), "heads");
    refused("huge heads", &file(u32::MAX, 8), "head_count");
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// A few changes of the kinds that real damage has.
fn mutate(data: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(data.len());
        match random.below(7) {
            0 => data.truncate(at),
            1 => data[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (random.next() % 8)),
            2 => data[at..].iter_mut().take(1).for_each(|byte| *byte = random.next() as u8),
            3 => {
                let values = [0, 1, u64::MAX, 1 << 60, 1 << 32, i64::MAX as u64, u64::from(u32::MAX), random.next()];
                let value = values[random.below(values.len())].to_le_bytes();
                data[at..].iter_mut().zip(value).for_each(|(byte, value)| *byte = value);
            }
            4 => {
                let part = data[at..(at + random.below(64)).min(data.len())].to_vec();
                let to = random.below(data.len());
                data.splice(to..to, part);
            }
            5 => drop(data.drain(at..(at + random.below(16)).min(data.len()))),
            _ => {
                let digit = b"0123456789[]{}\",:-e."[random.below(20)];
                data[at..].iter_mut().take(1).for_each(|byte| *byte = digit);
            }
        }
    }
}

fn good_gguf() -> Vec<u8> {
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", Value::String("llama".into()));
    metadata.insert("llama.attention.head_count", Value::U32(2));
    metadata.insert("tokens", Value::Array(Array::String(vec!["a".into(), "bc".into()])));
    metadata.insert("nested", Value::Array(Array::Array(vec![Array::U16(vec![1, 2, 3])])));
    metadata.insert("scores", Value::Array(Array::F32(vec![0.5; 4])));
    let dtype = Dtype::Quant(QuantType::Q8_0);
    let spec = |name: &str, shape: &[usize]| TensorSpec { name: name.into(), shape: shape.to_vec(), dtype };
    let specs = [spec("blk.0.attn_q.weight", &[8, 32]), spec("token_embd.weight", &[3, 64])];
    let mut writer = Writer::begin(Vec::new(), "test", &metadata, &specs).unwrap();
    writer.append(&[1; 8 * 34]).unwrap();
    writer.append(&[2; 3 * 68]).unwrap();
    writer.finish().unwrap()
}

fn good_safetensors() -> Vec<u8> {
    let tensors = [("a.weight", vec![2, 3], 6), ("b", vec![], 1), ("c", vec![0, 4], 0)];
    let tensors = tensors.map(|(name, shape, n)| (name.to_string(), shape, vec![1.0; n]));
    write_safetensors(&tensors).unwrap()
}

#[test]
fn mutated_files_never_do_worse_than_an_error() {
    let seconds = std::env::var("DYNASTY_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (mut seed, mut opened) = (1u64, 0);
    let good = [good_gguf(), good_safetensors()];
    while end.map_or(seed <= 40_000, |end| Instant::now() < end) {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut data = good[random.below(2)].clone();
        mutate(&mut data, &mut random);
        let result = std::panic::catch_unwind(|| match open(&data) {
            Ok(checkpoint) => {
                for info in checkpoint.tensors() {
                    // A shape with a zero may still claim many rows; reading them is checked like any other range.
                    let _ = pollster::block_on(checkpoint.read_f32(&info.name));
                    let _ = pollster::block_on(checkpoint.read_rows(&info.name, 0..1));
                }
                true
            }
            Err(error) => {
                assert!(!error.to_string().contains('\n'));
                false
            }
        });
        opened += u32::from(result.unwrap_or_else(|_| panic!("seed {seed}")));
        assert!(LARGEST.load(Ordering::Relaxed) < MOST, "seed {seed}: too much memory");
        seed += 1;
    }
    println!("{} files, {opened} of them still sound", seed - 1);
    assert!(opened > 0);
}

#[test]
fn damaged_words_in_text() {
    no_words("empty", b"", "the file is empty");
    no_words("only a header", b"3 2\n", "0 bytes follow it");
    no_words("fewer words", b"3 2\na 0.25 1.125\nb 0.5 2.5\n", "the file ends after 2");
    no_words("more words", b"1 2\na 1 2\nb 3 4\n", "at byte 10: line 3: more words than the header claims");
    no_words("huge count", b"99999999999 2\na 1 2\n", "the header claims 99999999999 words");
    no_words("count beyond 64 bits", b"99999999999999999999 2\na 1 2\n", "is not two counts");
    no_words("negative count", b"-3 2\na 1 2\n", "is not two counts");
    no_words("no count", b"many 2\na 1 2\n", "is not two counts");
    no_words("nothing", b"0 2\n", "claims 0 words");
    no_words("no values", b"2 0\na\nb\n", "words of 0 values");
    no_words("huge vectors", b"1 4294967295\na 1 2\n", "words of 4294967295 values");
    no_words("short vector", b"2 3\na 1 2 3\nb 1 2 \n", "at byte 12: line 3: 2 values, expected 3");
    no_words("long vector", b"2 2\na 1 2\nb 1 2 3\n", "line 3: 3 values, expected 2");
    no_words("no header, short vector", b"a 1 2 3\nb 1 2", "at byte 8: line 2: 2 values, expected 3");
    no_words("no header, cut", b"a 1 2 3\nb", "line 2: 0 values, expected 3");
    no_words("no header, no vectors", b"words\nwithout\nvectors\n", "neither two counts nor a word");
    no_words("prose", b"Once upon a time there was a fox.\n", "value 1 of \"Once\", upon, is no number");
    no_words("no number", b"2 2\na 1 2\nb 1 x\n", "line 3: value 2 of \"b\", x, is no number");
    no_words("NaN", b"2 2\na 1 2\nb nan 1\n", "line 3: value 1 of \"b\" is NaN");
    no_words("infinity", b"2 2\na 1 2\nb 1 -inf\n", "value 2 of \"b\" is -inf");
    no_words("too large", b"2 2\na 1 2\nb 1 1e99\n", "value 2 of \"b\" is inf");
    no_words("twice", b"3 2\na 1 2\nb 1 2\na 3 4\n", "line 4: the word \"a\" comes twice, first as word 1");
    no_words("broken UTF-8", b"2 2\na 1 2\nb\xff\xfe 1 2\n", "line 3: the word \"b\u{fffd}\u{fffd}\" is not UTF-8");
    no_words("broken UTF-8 at the start", b"2 2\n\xffa 1 2\nb 1 2\n", "line 2: the word");
    no_words("broken UTF-8 as a number", b"2 2\na 1 2\nb 1 \xc3\n", "is no number");
    no_words("empty line", b"3 2\na 1 2\n\nb 1 2\nc 1 2\n", "line 3 is empty, but words follow it");
    no_words("a long line", &[&b"1 2\n"[..], &b"x".repeat(3 << 20)].concat(), "no line ends within");
    no_words("control characters", b"a\x1b[2J 1 2\nb 1\n", "line 2: 1 values");
}

#[test]
fn damaged_words_in_binary() {
    let row = |word: &[u8], values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        [word, b" "].concat().into_iter().chain(bytes).collect::<Vec<u8>>()
    };
    let file = |header: &[u8], rows: &[Vec<u8>]| [header, &rows.concat()].concat();
    let (a, b) = (row(b"a", &[0.1, 0.2, 0.3]), row(b"b", &[0.4, 0.5, 0.6]));
    let whole = file(b"2 3\n", &[a.clone(), b.clone()]);
    assert!(pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("good.bin", &whole[..])))).is_ok());
    for cut in 1..whole.len() {
        no_words(&format!("cut at {cut}"), &whole[..cut], "");
    }
    no_words("cut", &whole[..whole.len() - 1], "the header claims 2 words of 3 values, 27 bytes follow it");
    let long = [row(b"a-long-word", &[0.1, 0.2, 0.3]), row(b"another", &[0.1, 0.2, 0.3])];
    let long = file(b"2 3\n", &long);
    no_words("cut in a vector", &long[..long.len() - 2], "the file ends in the vector of word 2");
    no_words(
        "huge count",
        &file(b"1152921504606846976 3\n", std::slice::from_ref(&a)),
        "the header claims 1152921504606846976",
    );
    no_words(
        "counts that overflow",
        &file(b"18446744073709551615 65536\n", std::slice::from_ref(&a)),
        "the header claims",
    );
    no_words("one word more", &file(b"1 3\n", &[a.clone(), b.clone()]), "14 bytes follow the last of 1 words");
    no_words("wider than it claims", &file(b"2 2\n", &[a.clone(), b.clone()]), "");
    no_words(
        "NaN",
        &file(b"2 3\n", &[a.clone(), row(b"b", &[0.1, f32::NAN, 0.3])]),
        "at byte 18: word 2: value 2 of \"b\"",
    );
    no_words("twice", &file(b"2 3\n", &[a.clone(), a.clone()]), "word 2: the word \"a\" comes twice, first as word 1");
    no_words("broken UTF-8", &file(b"2 3\n", &[a.clone(), row(b"\xc3(", &[0.1; 3])]), "word 2: the word");
    no_words("no word", &file(b"2 3\n", &[a.clone(), row(b"", &[0.1; 3]), vec![0]]), "a word of 0 bytes");
    let endless = [b"x".repeat(10_000), vec![0; 40]].concat();
    no_words("a word without end", &file(b"2 3\n", &[a, endless]), "does not end within 4096 bytes");
}

#[test]
fn damaged_words_in_gguf_and_other_files() {
    let file = |arch: &str, words: &[&str], shape: &[usize], values: &[f32]| {
        let mut metadata = Metadata::default();
        metadata.insert("general.architecture", Value::String(arch.into()));
        let words = words.iter().map(|word| word.to_string()).collect();
        metadata.insert("word2vec.words", Value::Array(Array::String(words)));
        let spec = TensorSpec { name: "vectors".into(), shape: shape.to_vec(), dtype: Dtype::Quant(QuantType::F32) };
        let mut writer = Writer::begin(Vec::new(), "bad.bin", &metadata, &[spec]).unwrap();
        writer.append(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()).unwrap();
        writer.finish().unwrap()
    };
    let good = file("word2vec", &["a", "b"], &[2, 2], &[1.0; 4]);
    assert!(pollster::block_on(WordTable::open(Rc::new(MemoryBytes::new("good.bin", &good[..])))).is_ok());
    // Two rows of two values and half a block of padding are at the end.
    for cut in (0..good.len() - 16).step_by(7) {
        no_words(&format!("cut at {cut}"), &good[..cut], "");
    }
    no_words("another model", &file("gpt2", &["a", "b"], &[2, 2], &[1.0; 4]), "its architecture is \"gpt2\"");
    no_words(
        "fewer words",
        &file("word2vec", &["a"], &[2, 2], &[1.0; 4]),
        "tensor vectors: has shape [2, 2], for 1 words",
    );
    no_words("one axis", &file("word2vec", &["a"], &[4], &[1.0; 4]), "expected floats [words, dim]");
    no_words("twice", &file("word2vec", &["a", "a"], &[2, 2], &[1.0; 4]), "row 2: the word \"a\" comes twice");
    no_words(
        "NaN",
        &file("word2vec", &["a", "b"], &[2, 2], &[1.0, 1.0, f32::NAN, 1.0]),
        "row 2: value 1 of \"b\" is NaN",
    );
    no_words("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "compressed by gzip");
    no_words("zip", b"PK\x03\x04 and the rest of it", "a zip archive");
    no_words("pickle", b"\x80\x04\x95 and the rest of it", "a Python pickle");
    no_words("zeros", &[0; 5000], "");
    no_words("ones", &[255; 3 << 20], "no line ends within");
}
