import ts from 'typescript';

test('the types of sources suit programs that are compiled with exactOptionalPropertyTypes', () => {
  const { config } = ts.readConfigFile('tsconfig.json', (file) => ts.sys.readFile(file)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  const file = 'test/types/keeping.test-d.ts';
  const program = ts.createProgram([file], { ...options, exactOptionalPropertyTypes: true });
  const found = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
