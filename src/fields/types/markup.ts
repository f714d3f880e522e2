import { textType } from './text.js';

// The beginnings that a browser takes for HTML if it has no type (WHATWG MIME Sniffing 7.1, unknown type), in two classes.
// A text that begins with one of the first class is never anything but markup.
const document = /^\s*<(?:!doctype\s+html|html|head|body|title|style|script|iframe)(?:[\s/>]|$)/i;
// Those of the second class also begin files of Markdown, CSV and source code, which browsers neither sniff nor render.
const fragment = /^\s*<(?:h1|div|font|table|a|br|p|b)(?:[\s>]|$)/i;
const comment = /^\s*<!--/;

/**
 * The type of a text that is HTML, XML or SVG; undefined for other text. A type by which a browser displays the text as text
 * is never chosen for what a browser could take for HTML.
 */
export function markupType(text: string, named: string): string | undefined {
  if (!/^\s*</.test(text)) return undefined;
  const { xml, doctype, root, namespace } = readPrologue(text);
  if (doctype === 'svg' || root === 'svg') return 'image/svg+xml';
  if (doctype === 'html' || root === 'html' || document.test(text)) return 'text/html';
  if (xml || doctype !== undefined) return 'application/xml';
  const isXml = root !== undefined && (namespace || /[/+]xml$/.test(named));
  if (isXml && !fragment.test(text)) return 'application/xml';
  if (fragment.test(text) || comment.test(text)) return asFragment(named);
  return root !== undefined && named === 'text/html' ? 'text/html' : undefined;
}

/** HTML, unless the name chooses a kind of text that is not displayed. */
function asFragment(named: string): string | undefined {
  return textType(named) === 'text/plain' ? 'text/html' : undefined;
}

interface Prologue {
  /** True after an XML declaration. */
  readonly xml: boolean;
  /** The name in the document type declaration, without prefix, in lower case. */
  readonly doctype: string | undefined;
  /** The name of the first element, without prefix, in lower case. */
  readonly root: string | undefined;
  /** True if the first element declares a namespace. */
  readonly namespace: boolean;
}

const parts = {
  space: /\s+/y,
  instruction: /<\?[^]*?\?>/y,
  comment: /<!--[^]*?-->/y,
  doctype: /<!doctype\s+(?:[\w.-]*:)?([\w.-]+)(?![\w.-])[^[>]*(?:\[[^]*?\]\s*)?>/iy,
  element: /<(?:[a-z_][\w.-]*:)?([a-z_][\w.-]*)(?=[\s/>])([^>]*)/iy,
};

/** What stands before the content of an XML document (XML 1.0 section 2.8). Each character is read at most twice. */
function readPrologue(text: string): Prologue {
  let position = 0;
  let doctype: string | undefined;
  const take = (part: RegExp): RegExpExecArray | null => {
    part.lastIndex = position;
    const match = part.exec(text);
    if (match) position = part.lastIndex;
    return match;
  };
  const xml = /^\s*<\?xml/i.test(text);
  for (;;) {
    if (take(parts.space) ?? take(parts.instruction) ?? take(parts.comment)) continue;
    const declared = take(parts.doctype);
    if (!declared) break;
    doctype ??= declared[1]!.toLowerCase();
  }
  // A declaration that is longer than the head still has its name.
  doctype ??= /^<!doctype\s+(?:[\w.-]*:)?([\w.-]+)/i.exec(text.slice(position, position + 200))?.[1]?.toLowerCase();
  const element = take(parts.element);
  const namespace = element !== null && /\sxmlns(?::[\w.-]+)?\s*=/.test(element[2]!);
  return { xml, doctype, root: element?.[1]!.toLowerCase(), namespace };
}
