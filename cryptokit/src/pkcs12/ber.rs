//! BER (X.690) as NSS, Firefox and Windows write it, made DER: indefinite lengths and OCTET STRINGs in pieces.

use zeroize::Zeroizing;

use super::error::Pkcs12Error;

/// How deep elements may nest. A key store that was just unwrapped by one OCTET STRING has ten levels.
const MAX_DEPTH: usize = 24;

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;

/// The one element that must fill `ber`, in DER as far as lengths and OCTET STRINGs are concerned. DER stays as it is.
pub(super) fn to_der(ber: &[u8]) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    let (der, rest) = convert(ber, 0)?;
    if !rest.is_empty() {
        return Err(Pkcs12Error::Malformed);
    }
    Ok(der)
}

/// Converts the first element and returns what follows it.
fn convert(ber: &[u8], depth: usize) -> Result<(Zeroizing<Vec<u8>>, &[u8]), Pkcs12Error> {
    let Header { tag, length, rest } = Header::read(ber)?;
    if depth == MAX_DEPTH {
        return Err(Pkcs12Error::Malformed);
    }
    if tag & CONSTRUCTED == 0 {
        // X.690 §8.1.3.2: only a constructed element may be of indefinite length.
        let (value, rest) = length
            .and_then(|length| rest.split_at_checked(length))
            .ok_or(Pkcs12Error::Malformed)?;
        return Ok((element(tag, value), rest));
    }
    let mut value = Zeroizing::new(Vec::new());
    let after = if let Some(length) = length {
        let (mut contents, after) = rest.split_at_checked(length).ok_or(Pkcs12Error::Malformed)?;
        while !contents.is_empty() {
            contents = convert_into(&mut value, tag, contents, depth)?;
        }
        after
    } else {
        let mut contents = rest;
        loop {
            // X.690 §8.1.5: end-of-contents.
            if let Some(after) = contents.strip_prefix(&[0, 0]) {
                break after;
            }
            contents = convert_into(&mut value, tag, contents, depth)?;
        }
    };
    let tag = if tag == OCTET_STRING | CONSTRUCTED {
        OCTET_STRING
    } else {
        tag
    };
    Ok((element(tag, &value), after))
}

/// Converts the first of the contents of an element; a piece of an OCTET STRING without its header.
fn convert_into<'a>(
    value: &mut Zeroizing<Vec<u8>>,
    parent: u8,
    contents: &'a [u8],
    depth: usize,
) -> Result<&'a [u8], Pkcs12Error> {
    let (child, rest) = convert(contents, depth + 1)?;
    if parent == OCTET_STRING | CONSTRUCTED {
        let piece = Header::read(&child)?;
        if piece.tag != OCTET_STRING {
            return Err(Pkcs12Error::Malformed);
        }
        append(value, piece.rest);
    } else {
        append(value, &child);
    }
    Ok(rest)
}

struct Header<'a> {
    tag: u8,
    /// None if indefinite.
    length: Option<usize>,
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(ber: &'a [u8]) -> Result<Self, Pkcs12Error> {
        let [tag, first, rest @ ..] = ber else {
            return Err(Pkcs12Error::Malformed);
        };
        // Nothing in PKCS#12 has a tag number that takes more than its byte, or the universal tag 0.
        if tag & 0x1f == 0x1f || *tag == 0 {
            return Err(Pkcs12Error::Malformed);
        }
        let (length, rest) = match first {
            0x80 => (None, rest),
            0..0x80 => (Some(usize::from(*first)), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest
                    .split_at_checked(usize::from(first & 0x7f))
                    .ok_or(Pkcs12Error::Malformed)?;
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                (Some(length), rest)
            }
            _ => return Err(Pkcs12Error::Malformed),
        };
        Ok(Self {
            tag: *tag,
            length,
            rest,
        })
    }
}

fn element(tag: u8, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut element = Zeroizing::new(Vec::with_capacity(value.len() + 6));
    element.push(tag);
    let length = value.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match length {
        [] => element.push(0),
        [short] if *short < 0x80 => element.push(*short),
        long => {
            // At most four: the input is bounded.
            element.push(0x80 | long.len() as u8);
            element.extend_from_slice(long);
        }
    }
    element.extend_from_slice(value);
    element
}

/// Grows by copying, so that what the smaller buffer held is wiped.
fn append(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if buffer.capacity() - buffer.len() < bytes.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (buffer.len() + bytes.len())));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn indefinite_lengths_and_pieces_become_der() {
        let der = |ber: &[u8]| to_der(ber).map(|der| der.to_vec());
        assert_eq!(der(&hex!("3080 020103 0000")), Ok(hex!("3003 020103").to_vec()));
        assert_eq!(
            der(&hex!("2480 0402aabb 2403 0401cc 0000")),
            Ok(hex!("0403 aabbcc").to_vec())
        );
        // Another spelling of a length.
        assert_eq!(der(&hex!("30820003 020103")), Ok(hex!("3003 020103").to_vec()));
        // Under a tag of its own, pieces stay pieces: only their type says how to join them.
        assert_eq!(der(&hex!("a080 0401aa 0000")), Ok(hex!("a003 0401aa").to_vec()));
    }

    #[test]
    fn der_stays_as_it_is() {
        let mut der = hex!("30 82 0104 04 82 0100").to_vec();
        der.extend([0xab; 256]);
        assert_eq!(to_der(&der).map(|same| same.to_vec()), Ok(der));
    }

    #[test]
    fn refuses_what_is_no_element() {
        let nested = [[0x30, 0x80]; 1000].concat();
        let cases: [&[u8]; 11] = [
            &[],
            &hex!("30"),
            &hex!("3001"),
            &hex!("3080"),
            &hex!("3080 020103"),
            &hex!("0480 0000"),
            &hex!("3000 00"),
            &hex!("2403 020101"),
            &hex!("3f8101 00"),
            &hex!("3085 0000000000"),
            &nested,
        ];
        for case in cases {
            assert_eq!(to_der(case).err(), Some(Pkcs12Error::Malformed), "{case:02x?}");
        }
    }
}
