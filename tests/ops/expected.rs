//! What the reference says, as the native tests leave it for pages: candle is not compiled for them.
//!
//! A file a suite, little-endian. Each case: a u64 that its values give, and its steps; a step: its tensors; a tensor: its
//! type (0 for f32, 1 for i32), sizes and values. Lists begin with their length as u32.

use graph::{Data, Tensor};

use crate::suite::Results;

/// A tensor's values.
pub fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    match &tensor.data {
        Data::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// Writes a suite's file where the tests are built, in the folder `ops-expected`.
///
/// # Errors
/// A case has no results, or the file cannot be written.
#[cfg(test)]
pub fn keep(suite: &str, digests: &[u64], results: &[Result<Results, String>]) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = own.ancestors().nth(2).ok_or("the test has no folder")?.join("ops-expected");
    let mut bytes = Vec::new();
    for (digest, steps) in digests.iter().zip(results) {
        write_case(*digest, steps.as_ref()?, &mut bytes);
    }
    let file = folder.join(suite);
    let unfinished = folder.join(format!("{suite}.unfinished"));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&unfinished, bytes))
        .and_then(|()| std::fs::rename(&unfinished, &file))
        .map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
fn write_case(digest: u64, steps: &Results, out: &mut Vec<u8>) {
    let count = |n: usize| (n as u32).to_le_bytes();
    out.extend(digest.to_le_bytes());
    out.extend(count(steps.len()));
    for tensors in steps {
        out.extend(count(tensors.len()));
        for tensor in tensors {
            out.push(u8::from(matches!(tensor.data, Data::I32(_))));
            out.extend(count(tensor.shape.len()));
            tensor.shape.iter().for_each(|size| out.extend(count(*size)));
            out.extend(bytes_of(tensor));
        }
    }
}

/// Reads a suite's file.
///
/// # Errors
/// It ends too early.
pub fn read(bytes: &[u8]) -> Result<Vec<(u64, Results)>, String> {
    let mut rest = Reader(bytes);
    let mut cases = Vec::new();
    while !rest.0.is_empty() {
        cases.push(rest.case()?);
    }
    Ok(cases)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, n: usize) -> Result<&[u8], String> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or("the reference's file ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn word<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "a word has another length".to_owned())
    }

    fn count(&mut self) -> Result<usize, String> {
        Ok(u32::from_le_bytes(self.word()?) as usize)
    }

    fn case(&mut self) -> Result<(u64, Results), String> {
        let digest = u64::from_le_bytes(self.word()?);
        let steps = (0..self.count()?).map(|_| self.step()).collect::<Result<_, _>>()?;
        Ok((digest, steps))
    }

    fn step(&mut self) -> Result<Vec<Tensor>, String> {
        (0..self.count()?).map(|_| self.tensor()).collect()
    }

    fn tensor(&mut self) -> Result<Tensor, String> {
        let [kind] = self.word()?;
        let shape = (0..self.count()?).map(|_| self.count()).collect::<Result<Vec<usize>, _>>()?;
        let (words, _) = self.take(4 * shape.iter().product::<usize>())?.as_chunks::<4>();
        let tensor = match kind {
            0 => Tensor::f32(shape, words.iter().map(|word| f32::from_le_bytes(*word)).collect()),
            _ => Tensor::i32(shape, words.iter().map(|word| i32::from_le_bytes(*word)).collect()),
        };
        tensor.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let float = Tensor::f32([2, 3], vec![0.5, -1.0, f32::MAX, 0.0, 7.0, 1e-30]).unwrap();
        let whole = Tensor::i32([], vec![-3]).unwrap();
        let none = Tensor::f32([0, 4], Vec::new()).unwrap();
        let cases = [(u64::MAX, vec![vec![float.clone(), whole], vec![none]]), (7, vec![vec![float]])];
        let mut bytes = Vec::new();
        write_case(cases[0].0, &cases[0].1, &mut bytes);
        assert!((1..bytes.len()).all(|n| read(&bytes[..n]).is_err()), "half a case is read");
        write_case(cases[1].0, &cases[1].1, &mut bytes);
        assert_eq!(read(&bytes).unwrap(), cases);
    }
}
