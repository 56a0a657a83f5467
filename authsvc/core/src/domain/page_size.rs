//! How much of a list is asked for at once.

/// 1 to [`PageSize::MAX`]: whoever asks for more asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The largest page.
    pub const MAX: u32 = 500;

    /// A page of that size, if there are pages of that size.
    pub fn new(size: u64) -> Option<Self> {
        u32::try_from(size)
            .ok()
            .filter(|size| (1..=Self::MAX).contains(size))
            .map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a6_pages_have_at_least_one_entry_and_a_largest_size() {
        for size in [0, 501, 1 << 31, 1 << 32, (1 << 32) + 1, 1 << 63, u64::MAX] {
            assert_eq!(PageSize::new(size), None, "{size}");
        }
        for size in [1, 100, 500] {
            assert_eq!(PageSize::new(size).map(PageSize::get), u32::try_from(size).ok());
        }
    }
}
