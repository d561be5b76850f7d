//! Archives and pickles of PyTorch that lie.

use super::refused;

fn file(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/torch");
    std::fs::read(folder.join(name)).unwrap()
}

/// A stored archive of one pickle and a storage of eight bytes.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let (mut data, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    for (name, content) in [("a/data.pkl", pickle), ("a/data/0", &[0; 8])] {
        let at = data.len() as u32;
        let size = (content.len() as u32).to_le_bytes();
        let sizes = [&[0; 4][..], &size, &size, &(name.len() as u16).to_le_bytes(), &[0; 2]].concat();
        data.extend([b"PK\x03\x04", &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sizes, name.as_bytes(), content].concat());
        let rest = [&[0; 10][..], &at.to_le_bytes(), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02", &[20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sizes, &rest].concat());
        count += 1;
    }
    let (size, at) = ((directory.len() as u32).to_le_bytes(), (data.len() as u32).to_le_bytes());
    let counts = [count.to_le_bytes(), count.to_le_bytes()].concat();
    [&data[..], &directory, b"PK\x05\x06\0\0\0\0", &counts, &size, &at, &[0; 2]].concat()
}

/// `{"t": tensor}` of a storage "0" of `numel` floats.
fn tensor(numel: u8, offset: u8, size: &[u8], stride: &[u8]) -> Vec<u8> {
    let numbers =
        |numbers: &[u8]| [b"(", &numbers.iter().flat_map(|n| [b'K', *n]).collect::<Vec<u8>>()[..], b"t"].concat();
    let storage = b"((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK";
    let rebuild = b"}U\x01tctorch._utils\n_rebuild_tensor_v2\n";
    [b"\x80\x02", &rebuild[..], storage, &[numel], b"tQK", &[offset], &numbers(size), &numbers(stride), b"tRs."]
        .concat()
}

#[test]
fn archives() {
    let whole = file("zip.pt");
    for part in [4, 30, 300, whole.len() / 2, whole.len() - 1] {
        refused("cut off", &whole[..part], "cut off");
    }
    let end = whole.len() - 22;
    let with = |at: usize, value: &[u8]| {
        let mut data = whole.clone();
        data[at..at + value.len()].copy_from_slice(value);
        data
    };
    refused("many entries", &with(end + 10, &[0xfe, 0xff]), "is not possible");
    refused("a far directory", &with(end + 16, &[0xfe, 0xff, 0xff, 0xff]), "is not possible");
    refused("a long directory", &with(end + 12, &[0xfe, 0xff, 0xff, 0xff]), "is not possible");
    let mut wide = archive(b"\x80\x02}.");
    let at = wide.len() - 12;
    wide[at..at + 2].fill(0xff);
    refused("64 bits", &wide, "64-bit directory");
    let directory = u32::from_le_bytes(*whole[end + 16..].first_chunk().unwrap()) as usize;
    refused("no directory", &with(directory, b"XX"), "directory is broken");
    refused("compressed", &with(directory + 10, &[8]), "compressed");
    refused("a far entry", &with(directory + 42, &[0xff, 0xff, 0xff, 0x7f]), "does not lie in the file");
    refused("a large entry", &with(directory + 20, &[0xf0, 0xff, 0xff, 0x7f, 0xf0, 0xff, 0xff, 0x7f]), "does not lie");
    refused("another header", &with(2, b"xx"), "");
    let mut other = archive(b"\x80\x02}.");
    let at = other.windows(4).position(|w| w == b".pkl").unwrap();
    other[at] = b'_';
    refused("no pickle", &other, "");
}

#[test]
fn pickles() {
    let check = |case: &str, pickle: &[u8], expected: &str| refused(case, &archive(pickle), expected);
    check("empty", b"", "the pickle is cut off");
    check("no end", b"\x80\x02}", "the pickle is cut off");
    check("nothing", b"\x80\x02.", "the stack is empty");
    check("a long text", b"\x80\x02X\xff\xff\xff\x7fa.", "the pickle is cut off");
    check("a very long text", b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.", "the pickle is cut off");
    check("no state", b"\x80\x02}.", "no state dict");
    check("an empty mark", b"\x80\x02(u.", "what is no dictionary");
    check("odd items", b"\x80\x02}(K\x01u.", "what is no dictionary");
    check("no mark", b"\x80\x02}u.", "a mark is missing");
    check("below a mark", b"\x80\x02}(s.", "the stack is empty");
    check("forgotten", b"\x80\x02h\x05.", "nothing is remembered as 5");
    check("called by nobody", b"\x80\x02K\x01)R.", "calls what has no name");
    check("called wrongly", b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "other arguments");
    check("an extension", b"\x80\x02\x82\x01.", "opcode 0x82");
    check("an attribute", b"\x80\x02K\x01}b.", "no dictionary");
    check("a strange storage", b"\x80\x02)Q.", "too few parts");
    check("itself", b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.", "no state dict");
    // A list that holds itself, twice, over and over.
    let nest = [b"\x80\x02]q\x00".to_vec(), b"h\x00h\x00\x86a".repeat(10_000), b".".to_vec()].concat();
    check("nested", &nest, "no state dict");
    // Each would be a copy of a large list.
    let copies = [
        b"\x80\x02](".to_vec(),
        b"))\x86".repeat(100_000),
        b"eq\x00".to_vec(),
        b"ccollections\nOrderedDict\nh\x00\x85R".repeat(100),
        b".".to_vec(),
    ]
    .concat();
    check("copies", &copies, "copies too much");
    check("a high stack", &[b"\x80\x02K\x01".to_vec(), vec![b'2'; 5 << 20], b".".to_vec()].concat(), "too high");
    check("many values", &[b"\x80\x02".to_vec(), vec![b']'; 5 << 20], b".".to_vec()].concat(), "too many values");
}

#[test]
fn tensors_outside_of_their_storages() {
    let check = |case: &str, pickle: &[u8], expected: &str| refused(case, &archive(pickle), expected);
    check("a large storage", &tensor(3, 0, &[2], &[1]), "tensor t: its storage claims 3 values");
    check("too long", &tensor(2, 0, &[3], &[1]), "leaves its storage of 2");
    check("an offset", &tensor(2, 1, &[2], &[1]), "leaves its storage of 2");
    check("a stride", &tensor(2, 0, &[2], &[2]), "leaves its storage of 2");
    check("a repeated value", &tensor(2, 0, &[200, 200], &[0, 0]), "more values than its storage");
    check("ranks that differ", &tensor(2, 0, &[1, 1], &[1]), "not made of storage");
    check("many dimensions", &tensor(2, 0, &[1; 17], &[1; 17]), "not made of storage");
    assert!(super::open(&archive(&tensor(2, 0, &[2], &[1]))).is_ok());
}

#[test]
fn the_older_container() {
    let whole = file("legacy.pt");
    for part in [25, 100, whole.len() / 2, whole.len() - 1] {
        refused("cut off", &whole[..part], "");
    }
}
