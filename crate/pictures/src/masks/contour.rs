//! Outlines along the sides of pixels, with holes.
//!
//! A ring walks the sides between pixels inside and outside, with the inside on its right, so outer rings turn
//! clockwise on a screen and holes the other way. Its corners are corners of pixels: filled by the even–odd rule, the
//! rings give the mask back exactly. Pixels that only share a corner are apart.

use super::Mask;
use super::regions::Neighbours;

/// Corners of pixels in the order of a walk, without the first one again: [x, y].
pub type Ring = Vec<[u32; 2]>;

/// One connected part of a mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polygon {
    /// Its outline, clockwise on a screen.
    pub outer: Ring,
    /// The outlines of what is missing in it, counter-clockwise.
    pub holes: Vec<Ring>,
}

/// Directions of a walk, clockwise: right, down, left, up.
const STEPS: [(isize, isize); 4] = [(1, 0), (0, 1), (-1, 0), (0, -1)];

impl Mask {
    /// The outlines of its connected parts, in reading order.
    ///
    /// ```
    /// # use dynasty_pictures::Mask;
    /// let mask = Mask::new(3, 2, vec![false, true, true, false, true, true])?;
    /// let polygons = mask.polygons();
    /// assert_eq!(polygons[0].outer, [[1, 0], [3, 0], [3, 2], [1, 2]]);
    /// # Ok::<(), dynasty_pictures::Error>(())
    /// ```
    pub fn polygons(&self) -> Vec<Polygon> {
        let regions = self.regions(true, Neighbours::Four);
        let mut polygons = vec![Polygon { outer: Ring::new(), holes: Vec::new() }; regions.sizes.len() - 1];
        // The upper sides of pixels that a ring has walked already.
        let mut walked = vec![false; self.inside.len()];
        for at in 0..self.inside.len() {
            let (x, y) = (at % self.width, at / self.width);
            if !self.inside[at] || walked[at] || self.at(x as isize, y as isize - 1) {
                continue;
            }
            let ring = self.walk(x, y, &mut walked);
            let polygon = &mut polygons[regions.labels[at] as usize - 1];
            // The topmost side of a part is its outline's; every other ring is of a hole.
            if polygon.outer.is_empty() { polygon.outer = ring } else { polygon.holes.push(ring) }
        }
        polygons
    }

    fn at(&self, x: isize, y: isize) -> bool {
        let inside = |v: isize, end: usize| v >= 0 && (v as usize) < end;
        inside(x, self.width) && inside(y, self.height) && self.inside[y as usize * self.width + x as usize]
    }

    /// The ring that goes right along the upper side of a pixel.
    fn walk(&self, x: usize, y: usize, walked: &mut [bool]) -> Ring {
        let start = (x as isize, y as isize);
        let ((mut x, mut y), mut way) = (start, 0);
        let mut ring = vec![[x as u32, y as u32]];
        loop {
            if way == 0 {
                walked[y as usize * self.width + x as usize] = true;
            }
            (x, y) = (x + STEPS[way].0, y + STEPS[way].1);
            // The pixels in front, to the left and to the right of the way.
            let (left, right) = match way {
                0 => (self.at(x, y - 1), self.at(x, y)),
                1 => (self.at(x, y), self.at(x - 1, y)),
                2 => (self.at(x - 1, y), self.at(x - 1, y - 1)),
                _ => (self.at(x - 1, y - 1), self.at(x, y - 1)),
            };
            // Pixels that share a corner are apart: the turn to the own side comes first.
            let turn = match (left, right) {
                (_, false) => 1,
                (false, true) => 0,
                (true, true) => 3,
            };
            if (x, y) == start && (way + turn) % 4 == 0 {
                // The first corner is one only if the walk turns there, which the topmost leftmost one always does.
                return ring;
            }
            if turn != 0 {
                ring.push([x as u32, y as u32]);
            }
            way = (way + turn) % 4;
        }
    }
}

/// A ring without corners that lie nearer than `tolerance` pixels to the line that is left (Douglas and Peucker 1973).
/// Fewer than three corners are never left; a ring that would shrink further stays as it is.
pub fn simplified(ring: &[[u32; 2]], tolerance: f64) -> Ring {
    if ring.len() < 5 || tolerance <= 0.0 {
        return ring.to_vec();
    }
    let far = |from: usize| {
        (0..ring.len()).max_by(|a, b| squared(ring[from], ring[*a]).total_cmp(&squared(ring[from], ring[*b])))
    };
    let middle = far(0).unwrap_or(0);
    let mut kept = vec![false; ring.len()];
    (kept[0], kept[middle]) = (true, true);
    let mut spans = vec![(0, middle), (middle, ring.len())];
    while let Some((from, to)) = spans.pop() {
        let distance = |i: &usize| from_line(ring[*i], ring[from], ring[to % ring.len()]);
        let Some(most) = (from + 1..to).max_by(|a, b| distance(a).total_cmp(&distance(b))) else { continue };
        if distance(&most) > tolerance {
            kept[most] = true;
            spans.extend([(from, most), (most, to)]);
        }
    }
    let left: Ring = ring.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(corner, _)| *corner).collect();
    if left.len() < 3 { ring.to_vec() } else { left }
}

fn squared(a: [u32; 2], b: [u32; 2]) -> f64 {
    (f64::from(a[0]) - f64::from(b[0])).powi(2) + (f64::from(a[1]) - f64::from(b[1])).powi(2)
}

/// How far a point is from the line through two others, or from them if they are one.
fn from_line(point: [u32; 2], a: [u32; 2], b: [u32; 2]) -> f64 {
    let [p, a, b] = [point, a, b].map(|[x, y]| (f64::from(x), f64::from(y)));
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy);
    if length == 0.0 {
        return (p.0 - a.0).hypot(p.1 - a.1);
    }
    (dx * (p.1 - a.1) - dy * (p.0 - a.0)).abs() / length
}
