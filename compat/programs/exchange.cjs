// Used by every program with its application: uploads an image and a text over HTTP, and downloads the image.
const { once } = require('node:events');

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function upload(url, slug, content) {
  const form = new FormData();
  form.append('slug', slug);
  form.append('file', new Blob([content]), 'pixel.png');
  return fetch(url, { method: 'POST', body: form });
}

/** Returns one line with the responses of the application. */
exports.exchange = async function exchange(app) {
  const server = app.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const url = `http://127.0.0.1:${server.address().port}/documents`;
    const created = await upload(url, 'pixel', png);
    const refused = await upload(url, 'text', 'not an image');
    const download = await fetch(`${url}/pixel`);
    const same = Buffer.from(await download.arrayBuffer()).equals(png);
    return `created ${created.status}, refused ${refused.status}, read ${download.headers.get('content-type')} ${same}`;
  } finally {
    server.close();
    server.closeAllConnections();
  }
};
