import { ProgressBar, type Progress } from '../../src/cli/progress-bar.js';

/** What a person sees some milliseconds after the beginning. */
function progressText(progress: Progress, milliseconds: number): string {
  let text = '';
  const stderr = { isTTY: true, write: (part: string) => (text += part) };
  let now = 1_000;
  const bar = new ProgressBar({ stderr }, () => now);
  now += milliseconds;
  bar.show(progress);
  return text.replace('\r\u001b[K', '');
}

describe('the progress of a command', () => {
  const progress = { files: 250, bytes: 2_500_000, totalFiles: 1000, totalBytes: 10_000_000 };

  it('has a bar, files, bytes, the rate and the time that is left', () => {
    expect(progressText(progress, 5_000)).toBe(
      '[#####---------------] 250 of 1000 files, 2.5 MB of 10 MB, 500 kB/s, 15 s left',
    );
  });

  it('has no total of bytes where nobody knows it', () => {
    expect(progressText({ files: 1, bytes: 2000, totalFiles: 4 }, 1000)).toBe(
      '[#####---------------] 1 of 4 files, 2.0 kB, 2.0 kB/s, 3 s left',
    );
  });

  it('tells long times in minutes and hours', () => {
    expect(progressText(progress, 100_000)).toMatch(/5 min left$/);
    expect(progressText(progress, 2_000_000)).toMatch(/1 h 40 min left$/);
  });

  it('knows no time before the first byte, and counts files where there are no bytes', () => {
    expect(progressText({ files: 0, bytes: 0, totalFiles: 2, totalBytes: 10 }, 0)).toBe(
      '[--------------------] 0 of 2 files, 0 B of 10 B, 0 B/s,',
    );
    expect(progressText({ files: 1, bytes: 0, totalFiles: 2, totalBytes: 0 }, 1000)).toMatch(/^\[#{10}-{10}\]/);
  });

  it('is full, and not more, when more files came than there were at the beginning', () => {
    expect(progressText({ files: 3, bytes: 30, totalFiles: 2, totalBytes: 20 }, 1000)).toMatch(
      /^\[#{20}\].* 0 s left$/,
    );
  });

  it('is written only for a person, at most ten times a second, and is gone at the end', () => {
    let text = '';
    let now = 0;
    const bar = new ProgressBar({ stderr: { isTTY: true, write: (part) => (text += part) } }, () => now);
    for (now = 100; now < 1100; now += 10) bar.show(progress);
    expect(text.split('\r')).toHaveLength(11);
    bar.end();
    expect(text.endsWith('\r\u001b[K')).toBe(true);
    const pipe = new ProgressBar({ stderr: { write: () => (text = 'written') } }, () => 1e6);
    pipe.show(progress);
    pipe.end();
    expect(text).not.toBe('written');
  });
});
