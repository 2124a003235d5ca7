//! A folder of binary files as one input: each file begins with a mark of three bytes and one that chooses its name, and
//! ends where the next begins. No lengths, so that bytes may come and go anywhere.

/// How a file begins, before the byte that chooses its name.
const MARK: [u8; 3] = [0xf7, b'F', b':'];

/// Files that an import looks for, and two that it must leave alone.
const NAMES: [&str; 10] = [
    "MASTER",
    "EMASTER",
    "XMASTER",
    "F1.DAT",
    "F2.DAT",
    "f3.mwd",
    "F255.DAT",
    "F256.MWD",
    "F999999999999.DAT",
    "F.DAT",
];

/// Numbers as data files have them that mean something as a date or a price: the 2nd, 5th and 6th of January 2026, 1, 100.5,
/// -2.5, 0, the largest and the smallest.
const TELLING: [[u8; 4]; 9] = [
    [0x30, 0xd2, 0x19, 0x95],
    [0x48, 0xd2, 0x19, 0x95],
    [0x50, 0xd2, 0x19, 0x95],
    [0, 0, 0, 0x81],
    [0, 0, 0x49, 0x87],
    [0, 0, 0xa0, 0x82],
    [0; 4],
    [0xff, 0xff, 0x7f, 0xff],
    [0, 0, 0, 1],
];

/// Bytes of an index that mean something: periods, numbers of columns, columns as bits.
const INDEX: &[u8] = b"DdIW\x01\x02\x05\x06\x07\x08\x1f\x3f\x7f\xff\x09\0";

/// The files of an input, by name; of two of one name the later counts. What stands before the first mark is no file.
pub(crate) fn split(bytes: &[u8]) -> Vec<(&'static str, &[u8])> {
    let mut files: Vec<(&'static str, &[u8])> = Vec::new();
    for (number, content) in parts(bytes) {
        let name = NAMES[usize::from(number) % NAMES.len()];
        files.retain(|(known, _)| *known != name);
        files.push((name, content));
    }
    files
}

/// The bytes that choose names, each with what stands behind it.
fn parts(bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let begins: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&MARK)).collect();
    let ends = begins.iter().skip(1).copied().chain([bytes.len()]);
    let files = begins.iter().zip(ends).map(|(begin, end)| &bytes[begin + MARK.len()..end]);
    files.filter_map(|file| file.split_first().map(|(number, content)| (*number, content))).collect()
}

/// The input of these files, by the place of their names.
pub(crate) fn join(files: &[(u8, Vec<u8>)]) -> Vec<u8> {
    files.iter().flat_map(|(number, content)| [&MARK[..], &[*number], content].concat()).collect()
}

/// Changes one thing about a folder, as its readers see it; `below` gives a random number below another.
pub(crate) fn mutate(bytes: &[u8], mut below: impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut files: Vec<(u8, Vec<u8>)> =
        parts(bytes).into_iter().map(|(number, content)| (number, content.to_vec())).collect();
    if files.is_empty() {
        files = acme();
    }
    let at = below(files.len());
    let other = below(files.len());
    match below(6) {
        0 if files.len() > 1 => drop(files.remove(at)),
        1 => files[at].0 = below(NAMES.len()) as u8,
        2 => files.swap(at, other),
        3 => {
            // A record again, or another file's: of the size of one.
            let size = [4, 20, 24, 28, 32, 53, 150, 192][below(8)];
            let content = &files[other].1;
            let record = content.chunks(size).nth(below(content.len() / size + 1)).unwrap_or_default().to_vec();
            files[at].1.extend(record);
        }
        _ => {
            let content = &mut files[at].1;
            let place = below(content.len() + 1);
            let (place, new): (usize, &[u8]) = match below(2) {
                0 => (place / 4 * 4, &TELLING[below(TELLING.len())]),
                _ => (place, std::slice::from_ref(&INDEX[below(INDEX.len())])),
            };
            let end = content.len().min(place + new.len());
            content.splice(place.min(end)..end, new.iter().copied());
        }
    }
    join(&files)
}

/// Folders as programs write them, by name: the seeds.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let data = data(&[(0, [4, 4, 4, 4]), (1, [4, 4, 4, 4])]);
    let long: Vec<(usize, [usize; 4])> = (0..3).map(|day| (day, [4, 4, 3, 4])).collect();
    let seeds = [
        ("master", join(&acme())),
        ("emaster", join(&[(1, emaster(1, b'D')), (3, data.clone())])),
        ("xmaster", join(&[(2, xmaster(256)), (7, data.clone())])),
        ("all_three", join(&[(0, master(2)), (1, emaster(2, b'D')), (2, xmaster(2)), (4, self::data(&long))])),
        ("intraday", join(&[(1, emaster(1, b'I')), (3, data.clone())])),
        ("damaged", join(&[(0, master(1)[..90].to_vec()), (3, data[..70].to_vec()), (9, data)])),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec()
}

fn acme() -> Vec<(u8, Vec<u8>)> {
    vec![(0, master(1)), (3, data(&[(0, [4, 4, 3, 4]), (1, [3, 4, 3, 3])]))]
}

/// A header slot whose count is one, and a record behind it.
fn index(size: usize, count_at: usize, record: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; size * 2];
    bytes[count_at] = 1;
    for (at, field) in record {
        bytes[size + at..size + at + field.len()].copy_from_slice(field);
    }
    bytes
}

fn master(number: u8) -> Vec<u8> {
    index(53, 0, &[(0, &[number]), (4, &[7]), (33, b"D"), (36, b"ACME")])
}

fn emaster(number: u8, period: u8) -> Vec<u8> {
    index(192, 0, &[(2, &[number]), (6, &[7]), (7, &[0x7f]), (11, b"ACME"), (60, &[period])])
}

fn xmaster(number: u16) -> Vec<u8> {
    let mut bytes = index(150, 10, &[(1, b"ACME"), (62, b"D"), (65, &number.to_le_bytes()), (70, &[0x7f])]);
    bytes[..4].copy_from_slice(&[0x5d, 0xfe, 0x58, 0x4d]);
    bytes
}

/// A data file of seven columns: days and prices by their place in the telling numbers.
fn data(rows: &[(usize, [usize; 4])]) -> Vec<u8> {
    let mut bytes = vec![0; 28];
    bytes[2] = rows.len() as u8 + 1;
    for (day, prices) in rows {
        let prices = prices.map(|price| TELLING[price]);
        let row = [&[TELLING[*day]][..], &prices, &[TELLING[4], TELLING[6]]].concat();
        bytes.extend(row.concat());
    }
    bytes
}
