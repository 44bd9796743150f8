//! A table of a bench.

/// Where the rows' titles end.
const TITLE: usize = 34;

/// A table whose head is printed with its first row: without rows, nothing is printed.
pub(crate) struct Table {
    head: Option<String>,
    width: usize,
}

impl Table {
    /// A table under `caption`, its columns as wide as said.
    pub(crate) fn new(caption: &str, width: usize, heads: &[&str]) -> Self {
        let heads: String = heads.iter().map(|head| format!(" {head:>width$}")).collect();
        Self { head: Some(format!("\n{caption}\n{:<TITLE$}{heads}", "")), width }
    }

    pub(crate) fn row(&mut self, title: &str, cells: &[String]) {
        if let Some(head) = self.head.take() {
            println!("{head}");
        }
        let width = self.width;
        let cells: String = cells.iter().map(|cell| format!(" {cell:>width$}")).collect();
        println!("{title:<TITLE$}{cells}");
    }
}

/// A figure as a table has it.
pub(crate) fn figure(figure: f64) -> String {
    format!("{figure:.3}")
}
