/** Finds a Python that has a module. Peers in Python are not installed here: which build one has is one's own choice. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The command of the first Python that imports `module`: of $PYTHON, the one on the path, and the system's. */
export async function findPython(module: string): Promise<string | undefined> {
  const { PYTHON } = process.env;
  for (const command of [...(PYTHON ? [PYTHON] : []), 'python3', '/usr/bin/python3'])
    if (await imports(command, module)) return command;
  return undefined;
}

async function imports(command: string, module: string): Promise<boolean> {
  try {
    await promisify(execFile)(command, ['-c', `import ${module}`]);
    return true;
  } catch {
    return false;
  }
}
