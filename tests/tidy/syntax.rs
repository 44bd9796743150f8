//! What a file defines and names, as a parser sees it; tests are left out.

use super::source::Source;
use proc_macro2::Span;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Expr, FnArg, Pat, Type, UseTree};

/// A function, and what it asks its callers for.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// The receiver aside.
    pub(crate) parameters: usize,
    pub(crate) tuples: usize,
}

/// The parts of a file that the rules ask about.
#[derive(Default)]
pub(crate) struct Syntax {
    /// Types and traits, with their lines.
    pub(crate) types: Vec<(String, usize)>,
    pub(crate) functions: Vec<Function>,
    /// The lines of `let (a, b) = (x, y)`.
    pub(crate) tuple_lets: Vec<usize>,
    /// The names of everything defined outside functions.
    pub(crate) items: BTreeSet<String>,
    /// The paths that `use` brings in, by the names they have here.
    pub(crate) uses: BTreeMap<String, Vec<String>>,
    /// All paths that are named, those of `use` among them.
    pub(crate) paths: BTreeSet<Vec<String>>,
}

impl Syntax {
    pub(crate) fn of(source: &Source) -> Self {
        let file = syn::parse_file(&source.text);
        let mut file = file.unwrap_or_else(|e| panic!("{}: {e}", source.path));
        file.items.retain(|item| !is_test(attributes(item)));
        let mut syntax = Self::default();
        syntax.items.extend(file.items.iter().filter_map(name));
        syntax.visit_file(&file);
        syntax
    }

    fn define(&mut self, ident: &syn::Ident) {
        self.types.push((ident.to_string(), line(ident.span())));
    }

    fn function(&mut self, signature: &syn::Signature) {
        let typed = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let (mut parameters, mut tuples) = Default::default();
        for parameter in typed {
            parameters += 1;
            tuples += usize::from(is_tuple(&parameter.ty));
        }
        let (name, line) = (signature.ident.to_string(), line(signature.ident.span()));
        self.functions.push(Function { name, line, parameters, tuples });
    }

    fn bring_in(&mut self, mut path: Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.bring_in(path, &part.tree);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.bring_in(path.clone(), tree));
            }
            UseTree::Glob(_) => {
                path.push("*".into());
                self.paths.insert(path);
            }
            UseTree::Name(leaf) => self.bring_in_as(path, &leaf.ident, &leaf.ident),
            UseTree::Rename(leaf) => self.bring_in_as(path, &leaf.ident, &leaf.rename),
        }
    }

    fn bring_in_as(&mut self, mut path: Vec<String>, ident: &syn::Ident, name: &syn::Ident) {
        let itself = ident == "self";
        let name = if itself { path.last().cloned() } else { Some(name.to_string()) };
        if !itself {
            path.push(ident.to_string());
        }
        self.paths.insert(path.clone());
        self.uses.insert(name.expect("self stands in braces behind a path"), path);
    }
}

impl<'ast> Visit<'ast> for Syntax {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(attributes(item)) {
            return;
        }
        match item {
            syn::Item::Struct(item) => self.define(&item.ident),
            syn::Item::Enum(item) => self.define(&item.ident),
            syn::Item::Union(item) => self.define(&item.ident),
            syn::Item::Trait(item) => self.define(&item.ident),
            syn::Item::Type(item) => self.define(&item.ident),
            syn::Item::Use(item) => self.bring_in(Vec::new(), &item.tree),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.function(signature);
        visit::visit_signature(self, signature);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let pattern = match &local.pat {
            Pat::Type(typed) => &typed.pat,
            pattern => pattern,
        };
        let value = local.init.as_ref().map(|init| &*init.expr);
        if let (Pat::Tuple(tuple), Some(Expr::Tuple(_))) = (pattern, value) {
            self.tuple_lets.push(line(tuple.paren_token.span.open()));
        }
        visit::visit_local(self, local);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 {
            self.paths.insert(parts);
        }
        visit::visit_path(self, path);
    }
}

/// Whether a parameter is a tuple, or one behind a reference.
fn is_tuple(of: &Type) -> bool {
    match of {
        Type::Tuple(tuple) => !tuple.elems.is_empty(),
        Type::Reference(reference) => is_tuple(&reference.elem),
        Type::Paren(inner) => is_tuple(&inner.elem),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is = |name| attribute.path().is_ident(name);
        is("test")
            || (is("cfg")
                && attribute.parse_args().is_ok_and(|cfg: syn::Path| cfg.is_ident("test")))
    })
}

fn line(span: Span) -> usize {
    span.start().line
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item::{Const, Enum, Fn, Impl, Macro, Mod, Static, Struct, Trait, Type, Union, Use};
    match item {
        Const(item) => &item.attrs,
        Enum(item) => &item.attrs,
        Fn(item) => &item.attrs,
        Impl(item) => &item.attrs,
        Macro(item) => &item.attrs,
        Mod(item) => &item.attrs,
        Static(item) => &item.attrs,
        Struct(item) => &item.attrs,
        Trait(item) => &item.attrs,
        Type(item) => &item.attrs,
        Union(item) => &item.attrs,
        Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item has outside of itself.
fn name(item: &syn::Item) -> Option<String> {
    use syn::Item::{Const, Enum, Fn, Macro, Static, Struct, Trait, Type, Union};
    let ident = match item {
        Const(item) => &item.ident,
        Enum(item) => &item.ident,
        Fn(item) => &item.sig.ident,
        Macro(item) => item.ident.as_ref()?,
        Static(item) => &item.ident,
        Struct(item) => &item.ident,
        Trait(item) => &item.ident,
        Type(item) => &item.ident,
        Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
