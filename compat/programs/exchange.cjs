// What every program does once its application is built: uploads an image and a text over HTTP, and downloads the image.
const { once } = require('node:events');

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function upload(address, slug, content) {
  const form = new FormData();
  form.append('slug', slug);
  form.append('file', new Blob([content]), 'pixel.png');
  return fetch(address, { method: 'POST', body: form });
}

/** Resolves to one line that says what the application answered. */
exports.exchange = async function exchange(app) {
  const server = app.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const address = `http://127.0.0.1:${server.address().port}/documents`;
    const created = await upload(address, 'pixel', png);
    const refused = await upload(address, 'text', 'not an image');
    const download = await fetch(`${address}/pixel`);
    const same = Buffer.from(await download.arrayBuffer()).equals(png);
    return `created ${created.status}, refused ${refused.status}, read ${download.headers.get('content-type')} ${same}`;
  } finally {
    server.close();
    server.closeAllConnections();
  }
};
