/** A bar on stderr: redrawn in place on a terminal, a line now and then elsewhere. Knows no model. */
import cliProgress from 'cli-progress';

export interface Progress {
  update(value: number, note: string): void;
  stop(): void;
}

const SECONDS_BETWEEN_LINES = 5;

export function progress(label: string, total: number, start = 0): Progress {
  const bar = new cliProgress.SingleBar({
    format: `${label} [{bar}] {percentage}% {note} {eta_formatted} left`,
    barsize: 24,
    barCompleteString: '='.repeat(24),
    barIncompleteString: '-'.repeat(24),
    etaBuffer: 50,
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: SECONDS_BETWEEN_LINES * 1000,
    // Signals are the command's matter, which lets a run end with a checkpoint.
    gracefulExit: false,
  });
  bar.start(total, start, { note: '' });
  return {
    update: (value, note) => bar.update(value, { note }),
    stop: () => bar.stop(),
  };
}
