//! Damaged safetensors, and files of other kinds.

use super::{open, refused};

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
    refused("zip", b"PK\x03\x04 and so on", "zip archive of PyTorch is cut off");
    refused("pickle", b"\x80\x02 and so on", "pickle");
    refused("pointer", b"version https://git-lfs.github.com/spec/v1", "Git LFS");
    refused("hdf5", b"\x89HDF\r\n\x1a\n", "HDF5");
}
