// Names and titles are untrusted: they are set as textContent and properties, never as HTML.
import { refusal, size, typeName } from './words.js';

const shelves = { documents: 'Documents', photos: 'Photos' };
// The number of bytes in the preview of a text file.
const textPreview = 2048;

const rules = await (await fetch('/rules')).json();
for (const [name, heading] of Object.entries(shelves)) new Shelf(name, heading, rules[name]);

function Shelf(name, heading, rule) {
  const section = clone('shelf');
  const find = (selector) => section.querySelector(selector);
  const form = find('form');
  const picker = find('input[type=file]');
  const messages = find('.messages');
  const cards = new Map();
  // The URL of a file stays the same when it is replaced; without a revision the page would show the old bytes.
  let revision = 0;

  section.setAttribute('aria-labelledby', `${name}-heading`);
  find('h2').id = `${name}-heading`;
  find('h2').textContent = heading;
  find('.rules').textContent = `Up to ${rule.maxSize}: ${rule.accept.map(typeName).join(', ')}.`;
  picker.accept = rule.accept.join(',');
  picker.addEventListener('change', () => {
    add([...picker.files]);
    picker.value = '';
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  onDrop(section, form, add);
  document.querySelector('main').append(section);
  refresh();

  async function refresh() {
    const response = await fetch(`/${name}`).catch(() => undefined);
    if (!response?.ok) return say(await refusal(response));
    const rows = await response.json();
    find('.count').textContent = rows.length === 1 ? '1 file' : `${rows.length} files`;
    find('.empty').hidden = rows.length > 0;
    arrange(find('.cards'), rows.map(cardOf));
  }

  /** Returns the same card for an unchanged row, so that a player continues. */
  function cardOf(row) {
    const known = cards.get(row.id);
    const state = JSON.stringify(row);
    if (known?.state === state) return known.item;
    const item = card(row);
    cards.set(row.id, { state, item });
    return item;
  }

  /** Uploads files one after the other. A refused file does not stop the rest. */
  async function add(files) {
    messages.replaceChildren();
    const { title, slug } = Object.fromEntries(new FormData(form));
    for (const [index, file] of files.entries()) {
      // A slug is for one file.
      const texts = { title: files.length === 1 ? title : '', slug: index === 0 ? slug : '' };
      if (!(await upload('POST', `/${name}`, file, texts))) continue;
      form.reset();
      await refresh();
    }
  }

  async function upload(method, url, file, texts = {}) {
    const body = new FormData();
    // Texts come before the file, so that the server has them when the bytes arrive.
    for (const [field, text] of Object.entries(texts)) if (text) body.append(field, text);
    body.append(rule.field, file);
    const line = clone('upload');
    const progress = line.querySelector('progress');
    line.querySelector('.what').textContent = file.name;
    progress.setAttribute('aria-label', `Upload of ${file.name}`);
    find('.uploads').append(line);
    const request = new XMLHttpRequest();
    line.querySelector('button').addEventListener('click', () => request.abort());
    const response = await send(request, method, url, body, (share) => {
      progress.value = share;
      line.querySelector('.percent').textContent = `${Math.floor(share * 100)} %`;
    });
    line.remove();
    if (response === 'cancelled') return false;
    if (!response?.ok) {
      say(await refusal(response, file.name, texts.slug));
      return false;
    }
    return true;
  }

  function card(row) {
    const item = clone('card');
    const part = (selector) => item.querySelector(selector);
    const file = row[rule.field];
    const url = `/${name}/${encodeURIComponent(row.slug)}`;
    const type = file?.type.split(';')[0] ?? '';
    item.dataset.slug = row.slug;
    part('h3').textContent = row.title;
    part('.name').textContent = file?.name ?? 'no file';
    part('.facts').textContent = file ? `${size(file.size)} · ${typeName(type)} · /${row.slug}` : `/${row.slug}`;
    if (file) preview(part('.preview'), `${url}/file?${revision}`, type, row.title);
    part('.open').href = `${url}/file`;
    part('.download').href = `/${name}/by-id/${row.id}/file`;
    for (const link of item.querySelectorAll('a')) link.hidden = !file;
    for (const button of item.querySelectorAll('.button, button')) {
      button.setAttribute('aria-label', `${button.textContent}: ${row.title}`);
    }
    const replacement = part('input');
    replacement.accept = picker.accept;
    part('.replace').addEventListener('click', () => replacement.click());
    replacement.addEventListener('change', () => replace(row, `${url}/file`, replacement.files));
    part('.delete').addEventListener('click', () => remove(url, row.title));
    return item;
  }

  async function replace(row, url, [file]) {
    messages.replaceChildren();
    if (!file || !(await upload('PUT', url, file))) return;
    revision += 1;
    cards.delete(row.id);
    await refresh();
  }

  async function remove(url, title) {
    if (!confirm(`Delete “${title}” and its file?`)) return;
    messages.replaceChildren();
    const response = await fetch(url, { method: 'DELETE' }).catch(() => undefined);
    if (!response?.ok) say(await refusal(response, title));
    await refresh();
    find('h2').tabIndex = -1;
    // The focused button no longer exists; without this the keyboard focus would return to the top of the page.
    find('h2').focus();
  }

  function say(sentence) {
    const line = document.createElement('p');
    const close = document.createElement('button');
    line.className = 'message';
    line.append(Object.assign(document.createElement('span'), { textContent: sentence }), close);
    close.type = 'button';
    close.textContent = 'Dismiss';
    close.addEventListener('click', () => line.remove());
    messages.append(line);
  }
}

/** Moves only cards whose position changes, since a player that is removed from the page stops. */
function arrange(list, items) {
  for (const old of [...list.children]) if (!items.includes(old)) old.remove();
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}

function clone(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

/** XMLHttpRequest reports the progress of an upload, unlike fetch(). Resolves to undefined if there is no response. */
function send(request, method, url, body, onProgress) {
  return new Promise((resolve) => {
    request.open(method, url);
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      const { status } = request;
      resolve({ ok: status >= 200 && status < 300, status, json: async () => JSON.parse(request.responseText) });
    });
    request.addEventListener('error', () => resolve(undefined));
    request.addEventListener('abort', () => resolve('cancelled'));
    request.send(body);
  });
}

function onDrop(section, form, listener) {
  section.addEventListener('dragover', (event) => {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    form.classList.add('over');
  });
  section.addEventListener('dragleave', (event) => {
    if (!section.contains(event.relatedTarget)) form.classList.remove('over');
  });
  section.addEventListener('drop', (event) => {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    form.classList.remove('over');
    listener([...event.dataTransfer.files]);
  });
}
// Without this, a file that is dropped outside a shelf would replace the page.
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => event.preventDefault());

function preview(parent, url, type, title) {
  const [kind] = type.split('/');
  if (kind === 'image') {
    parent.append(Object.assign(new Image(), { src: url, alt: title, loading: 'lazy' }));
  } else if (kind === 'video' || kind === 'audio') {
    const player = Object.assign(document.createElement(kind), { src: url, controls: true, preload: 'metadata' });
    player.setAttribute('aria-label', title);
    parent.append(player);
  } else if (kind === 'text') {
    const text = document.createElement('pre');
    text.tabIndex = 0;
    text.setAttribute('aria-label', `Start of ${title}`);
    parent.append(text);
    showStart(text, url);
  } else {
    const sheet = document.createElement('div');
    sheet.className = 'sheet';
    sheet.textContent = typeName(type);
    parent.append(sheet);
  }
}

/** Shows the first bytes, by a range request, whatever the size of the file. */
async function showStart(element, url) {
  const response = await fetch(url, { headers: { range: `bytes=0-${textPreview - 1}` } }).catch(() => undefined);
  // An empty file has no range.
  if (!response?.ok) return;
  // The last character may be cut in two; a streaming decoder omits it.
  element.textContent = new TextDecoder().decode(await response.arrayBuffer(), { stream: true });
}
