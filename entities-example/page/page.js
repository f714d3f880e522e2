// Everything shown comes from strangers: it goes in by textContent and properties only, never as HTML.
import { refusal, size, typeName } from './words.js';

const shelves = { documents: 'Documents', photos: 'Photos' };
// Bytes of a text file that its preview shows.
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
  // The address of a file stays when its bytes change; without this the page would show the old ones.
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
  takeDrops(section, form, add);
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

  /** The same card for an unchanged row: what plays goes on playing. */
  function cardOf(row) {
    const known = cards.get(row.id);
    const state = JSON.stringify(row);
    if (known?.state === state) return known.item;
    const item = card(row);
    cards.set(row.id, { state, item });
    return item;
  }

  /** One after the other; what is refused does not stop the rest. */
  async function add(files) {
    messages.replaceChildren();
    const { title, slug } = Object.fromEntries(new FormData(form));
    for (const [index, file] of files.entries()) {
      // An address is for one file.
      const texts = { title: files.length === 1 ? title : '', slug: index === 0 ? slug : '' };
      if (!(await upload('POST', `/${name}`, file, texts))) continue;
      form.reset();
      await refresh();
    }
  }

  async function upload(method, url, file, texts = {}) {
    const body = new FormData();
    // Before the file, so that the server knows them when the bytes come.
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
    const address = `/${name}/${encodeURIComponent(row.slug)}`;
    const type = file?.type.split(';')[0] ?? '';
    item.dataset.slug = row.slug;
    part('h3').textContent = row.title;
    part('.name').textContent = file?.name ?? 'no file';
    part('.facts').textContent = file ? `${size(file.size)} · ${typeName(type)} · /${row.slug}` : `/${row.slug}`;
    if (file) preview(part('.preview'), `${address}/file?${revision}`, type, row.title);
    part('.open').href = `${address}/file`;
    part('.download').href = `/${name}/by-id/${row.id}/file`;
    for (const link of item.querySelectorAll('a')) link.hidden = !file;
    for (const button of item.querySelectorAll('.button, button')) {
      button.setAttribute('aria-label', `${button.textContent}: ${row.title}`);
    }
    const replacement = part('input');
    replacement.accept = picker.accept;
    part('.replace').addEventListener('click', () => replacement.click());
    replacement.addEventListener('change', () => replace(row, `${address}/file`, replacement.files));
    part('.delete').addEventListener('click', () => remove(address, row.title));
    return item;
  }

  async function replace(row, url, [file]) {
    messages.replaceChildren();
    if (!file || !(await upload('PUT', url, file))) return;
    revision += 1;
    cards.delete(row.id);
    await refresh();
  }

  async function remove(address, title) {
    if (!confirm(`Delete “${title}”? Its file goes with it.`)) return;
    messages.replaceChildren();
    const response = await fetch(address, { method: 'DELETE' }).catch(() => undefined);
    if (!response?.ok) say(await refusal(response, title));
    await refresh();
    find('h2').tabIndex = -1;
    // The focused button is gone; without this a keyboard would start from the top again.
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

/** Moves only what must move: a player that is taken out of the page stops. */
function arrange(list, items) {
  for (const old of [...list.children]) if (!items.includes(old)) old.remove();
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}

function clone(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

/** fetch() tells nothing of an upload's progress; XMLHttpRequest does. Resolves to undefined when there is no answer. */
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

function takeDrops(section, form, take) {
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
    take([...event.dataTransfer.files]);
  });
}
// A file dropped beside a shelf would replace the page.
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => event.preventDefault());

function preview(place, url, type, title) {
  const [kind] = type.split('/');
  if (kind === 'image') {
    place.append(Object.assign(new Image(), { src: url, alt: title, loading: 'lazy' }));
  } else if (kind === 'video' || kind === 'audio') {
    const player = Object.assign(document.createElement(kind), { src: url, controls: true, preload: 'metadata' });
    player.setAttribute('aria-label', title);
    place.append(player);
  } else if (kind === 'text') {
    const text = document.createElement('pre');
    text.tabIndex = 0;
    text.setAttribute('aria-label', `Beginning of ${title}`);
    place.append(text);
    showBeginning(text, url);
  } else {
    const sheet = document.createElement('div');
    sheet.className = 'sheet';
    sheet.textContent = typeName(type);
    place.append(sheet);
  }
}

/** The beginning only, by a range request, however large the file is. */
async function showBeginning(element, url) {
  const response = await fetch(url, { headers: { range: `bytes=0-${textPreview - 1}` } }).catch(() => undefined);
  // An empty file has no range to give.
  if (!response?.ok) return;
  // The cut may fall inside a character, which a streaming decoder leaves out.
  element.textContent = new TextDecoder().decode(await response.arrayBuffer(), { stream: true });
}
