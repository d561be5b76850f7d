//! Files and folders that a worker's script reads.

use std::ops::Range;
use std::rc::Rc;

use format::{Bytes, Error, Folder, LocalFuture, checked_len};
use js_sys::{Array, Promise, Uint8Array};
use run::Source;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// `Opened` of `web/src/engine/bytes.ts`: one file or a folder.
    pub type Opened;
    #[wasm_bindgen(method, getter)]
    fn file(this: &Opened) -> Option<ByteSource>;
    #[wasm_bindgen(method, getter)]
    fn folder(this: &Opened) -> Option<FolderSource>;

    /// A file that is read by ranges.
    type ByteSource;
    #[wasm_bindgen(method, getter)]
    fn name(this: &ByteSource) -> String;
    #[wasm_bindgen(method, getter)]
    fn size(this: &ByteSource) -> f64;
    #[wasm_bindgen(method, catch)]
    fn read(this: &ByteSource, start: f64, end: f64) -> Result<Promise, JsValue>;

    /// A folder of files.
    type FolderSource;
    #[wasm_bindgen(method, getter)]
    fn name(this: &FolderSource) -> String;
    #[wasm_bindgen(method, catch)]
    fn open(this: &FolderSource, file: &str) -> Result<Promise, JsValue>;
}

impl Opened {
    /// As the loader takes it; nothing if the script gave neither.
    pub fn into_source(self) -> Option<Source> {
        match (self.file(), self.folder()) {
            (Some(file), _) => Some(Source::File(Rc::new(JsBytes::new(file)))),
            (None, Some(folder)) => Some(Source::Folder(Rc::new(JsFolder { name: folder.name(), folder }))),
            (None, None) => None,
        }
    }
}

struct JsBytes {
    name: String,
    len: u64,
    source: ByteSource,
}

impl JsBytes {
    fn new(source: ByteSource) -> Self {
        // A size that is no number becomes 0, and the file an empty one.
        Self { name: source.name(), len: source.size() as u64, source }
    }
}

impl Bytes for JsBytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let size = checked_len(&self.name, self.len, &range)?;
            let fail = |thrown: JsValue| Error::io(&self.name, reason(&thrown));
            let promise = self.source.read(range.start as f64, range.end as f64).map_err(fail)?;
            let value = JsFuture::from(promise).await.map_err(fail)?;
            let pieces: Array = value.dyn_into().map_err(|_| Error::io(&self.name, "no bytes came back"))?;
            let pieces: Vec<Uint8Array> = pieces.iter().map(JsCast::unchecked_into).collect();
            let found: usize = pieces.iter().map(|piece| piece.length() as usize).sum();
            if found != size {
                return Err(Error::io(&self.name, format!("{found} of {size} bytes came back")));
            }
            joined(&pieces, size).ok_or_else(|| Error::io(&self.name, format!("there is no memory for {size} bytes")))
        })
    }
}

/// The pieces behind each other in this module's memory, if there is room.
fn joined(pieces: &[Uint8Array], size: usize) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    data.try_reserve_exact(size).ok()?;
    data.resize(size, 0);
    let mut rest = data.as_mut_slice();
    for piece in pieces {
        let (place, behind) = rest.split_at_mut(piece.length() as usize);
        piece.copy_to(place);
        rest = behind;
    }
    Some(data)
}

struct JsFolder {
    name: String,
    folder: FolderSource,
}

impl Folder for JsFolder {
    fn name(&self) -> &str {
        &self.name
    }

    fn open<'a>(&'a self, file: &'a str) -> LocalFuture<'a, Result<Option<Rc<dyn Bytes>>, Error>> {
        Box::pin(async move {
            if !format::stays_inside(file) {
                return Err(Error::io(file, "lies outside of the folder"));
            }
            let fail = |thrown: JsValue| Error::io(file, reason(&thrown));
            let promise = self.folder.open(file).map_err(fail)?;
            let found = JsFuture::from(promise).await.map_err(fail)?;
            if found.is_undefined() || found.is_null() {
                return Ok(None);
            }
            let bytes: Rc<dyn Bytes> = Rc::new(JsBytes::new(found.unchecked_into()));
            Ok(Some(bytes))
        })
    }
}

/// What a script threw, in words.
fn reason(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "the read failed".into()),
    }
}
