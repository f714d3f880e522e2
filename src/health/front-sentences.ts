/** What to do when a link through the front is broken. */
export const sentences = {
  front: 'The server in front does not answer: is it running, is its address right, does its certificate hold?',
  route: 'The URL does not lead to the view of this check: mount its `view` there, with the parameter `id`.',
  same_storage: 'The program behind the URL does not find the probe: it keeps its files elsewhere than this process.',
  answer: 'The front breaks off when the view answers with a file.',
  mapping:
    'The front finds no such file: the place that the view names is not configured, its folder is not the root of the storage, or, where it is Apache, its account may not read the file.',
  permission:
    'The front may not send the file: let its account read the folder and all above it, and name the folder among those that it may send from.',
  ignored_header:
    'The front passes on the instruction and sends no file: it is not told to act upon this header, or this is another kind of server than the delivery is made for.',
  leaked_header: 'The front tells clients where the file is kept: hide that header.',
  streamed: 'The program behind the URL sends the bytes itself.',
  bytes: 'The front sends other bytes than those of the file.',
  lost_header: 'The front drops headers of the view.',
  ranges: 'The front does not honour ranges: downloads cannot be resumed, and videos not be wound.',
  head: 'The front does not answer HEAD with the length of the file.',
  target: 'The URL that clients are sent to does not give the file.',
} as const;
