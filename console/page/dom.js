// Elements. Text from a call is hostile: it enters the page only here, and only as text.

const SVG = "http://www.w3.org/2000/svg";

/** An element of `tag` with class names, attributes and children (nodes or text). */
export function el(tag, names = "", attributes = {}, ...children) {
  return fill(document.createElement(tag), names, attributes, children);
}

/** The same for SVG. */
export function svg(tag, names = "", attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), names, attributes, children);
}

function fill(node, names, attributes, children) {
  if (names) node.setAttribute("class", names);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Set a node's text only if it differs, which avoids a new layout. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** `text`, cut to `most` characters. */
export function clip(text, most) {
  const points = [...text.slice(0, 2 * most + 2)];
  return points.length > most ? `${points.slice(0, most - 1).join("")}…` : text;
}

/** Make `list`'s children exactly `nodes`, in order, with as few moves as possible. */
export function arrange(list, nodes) {
  let at = list.firstElementChild;
  for (const node of nodes) {
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}
