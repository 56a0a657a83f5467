//! The block list that ships with the program: 11,611 passwords of eight characters and more, from the 30,000 most
//! frequent ones of zxcvbn's own list (crate `zxcvbn` 3.1.1, MIT), sorted. OWASP ASVS 6.2.4 asks for the top 3,000.
//!
//! Shorter ones need no list: the length refuses them. Of fifteen characters and more the list holds few; what is made
//! of several of its entries is for the estimate, which has the same list.

const SORTED: &str = include_str!("common.txt");

/// Whether the whole password, its ASCII letters in lower case, is on the list.
pub(super) fn contains(password: &str) -> bool {
    let sought = password.to_ascii_lowercase();
    let list = SORTED.as_bytes();
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low.midpoint(high);
        let start = list[..middle].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let end = list[middle..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(list.len(), |at| middle + at);
        match list[start..end].cmp(sought.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_the_list_is_what_it_says() {
        let entries: Vec<&str> = SORTED.lines().collect();
        assert_eq!(entries.len(), 11_611);
        assert!(entries.is_sorted_by(|a, b| a < b), "sorted, each once");
        for entry in &entries {
            assert!(entry.len() >= 8 && contains(entry), "{entry}");
            assert!(!contains(&format!("{entry}~")) || entries.contains(&format!("{entry}~").as_str()));
        }
    }

    #[test]
    fn what_is_not_an_entry_is_not_found() {
        for text in [
            "",
            "\n",
            "password\n",
            "a",
            "zzzzzzzzzzzz~",
            "\u{10ffff}",
            "passwor",
            "correct horse",
        ] {
            assert!(!contains(text), "{text:?}");
        }
        assert!(contains("PASSWORD1"));
    }
}
