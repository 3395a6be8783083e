/** What the demo prints. Colours and a running clock only where a person looks on. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

export type Screen = {
  title(text: string): void
  /** A title with the next number, and what is shown below it. */
  step(title: string, text: string): void
  /** What the next lines show. */
  say(text: string): void
  /** A command line as a person would type it, `prompt` included. */
  command(prompt: string, line: string): void
  answer(text: string): void
  /** A step that takes a while: shown with its seconds until the next output. */
  progress(text: string): void
  warn(text: string): void
}

export function createScreen(out: NodeJS.WriteStream = process.stdout): Screen {
  const paint = (style: Style, text: string) => (out.isTTY && !process.env.NO_COLOR ? styleText(style, text) : text)
  let ticking: NodeJS.Timeout | undefined
  let settle = () => {}
  const print = (text: string) => {
    settle()
    out.write(`${text}\n`)
  }
  const title = (text: string) => print(`\n${paint(['bold', 'cyan'], text)}`)
  let steps = 0
  return {
    title,
    step(heading, text) {
      steps += 1
      title(`${steps}. ${heading}`)
      print(text)
    },
    say: print,
    command: (prompt, line) => print(`\n${paint('green', prompt)} ${paint('bold', line)}`),
    answer: (text) => print(paint('dim', text)),
    warn: (text) => print(paint('yellow', text)),
    progress(text) {
      settle()
      const startedAt = performance.now()
      const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`
      if (!out.isTTY) return void out.write(`  ${text}\n`)
      const draw = () => out.write(`\r  ${text} … ${paint('dim', seconds())}`)
      draw()
      ticking = setInterval(draw, 1000)
      settle = () => {
        clearInterval(ticking)
        settle = () => {}
        draw()
        out.write('\n')
      }
    },
  }
}
