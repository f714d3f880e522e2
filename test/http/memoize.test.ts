import { contentDisposition } from '../../src/http/disposition.js';
import { memoize } from '../../src/http/memoize.js';
import { contentType } from '../../src/http/type.js';

describe('memoize', () => {
  const counted = (limit?: number) => {
    const asked: string[] = [];
    const remembered = memoize((text: string) => `<${asked.push(text) && text}>`, limit);
    return { asked, remembered };
  };

  it('computes a result once', () => {
    const { asked, remembered } = counted();
    expect([remembered('a'), remembered('a'), remembered('b'), remembered('')]).toEqual(['<a>', '<a>', '<b>', '<>']);
    expect(asked).toEqual(['a', 'b', '']);
  });

  it('keeps no more results than its limit', () => {
    const { asked, remembered } = counted(2);
    for (const text of ['a', 'b', 'c', 'c']) remembered(text);
    expect(asked).toEqual(['a', 'b', 'c']);
    expect([remembered('a'), remembered('c')]).toEqual(['<a>', '<c>']);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
  });

  it('keeps no long text', () => {
    const { asked, remembered } = counted();
    const long = 'x'.repeat(513);
    expect([remembered(long), remembered(long)]).toEqual([`<${long}>`, `<${long}>`]);
    expect(asked).toHaveLength(2);
  });

  it('changes no header, however many names came before', () => {
    const names = Array.from({ length: 2000 }, (_, index) => `Bericht ${index} – “Ü”.pdf`);
    const headers = () => names.map((name) => [contentDisposition('inline', name), contentType(undefined, name)]);
    const first = headers();
    expect(headers()).toEqual(first);
    expect(new Set(first.map(([disposition]) => disposition)).size).toBe(2000);
    expect(contentDisposition('attachment', names[0]!)).toBe(first[0]![0]!.replace('inline', 'attachment'));
  });
});
