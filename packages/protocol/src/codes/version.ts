/**
 * Ordinals of releases that switch behaviour; a frame's `version`. Apache: `MQVersion.java`.
 * Each release has two: its snapshot, then itself.
 */
export const Version = {
  V3_0_7: 29,
  V3_0_11: 37,
  V3_1_8: 63,
  V3_4_9: 121,
  V4_1_0: 233,
  V4_9_3: 399,
  V4_9_4: 401,
  V4_9_7: 407,
  V5_0_0: 413,
  V5_3_1: 475,
  V5_3_3: 479,
  HIGHER_VERSION: 612,
} as const

/** The version that Skylark reports: the Apache release whose behaviour it has. */
export const CURRENT_VERSION: number = Version.V5_3_3

const FIRST_RELEASE =
  'SNAPSHOT ALPHA1 BETA1 BETA2 BETA3 BETA4 BETA5 BETA6_SNAPSHOT BETA6 BETA7_SNAPSHOT BETA7 BETA8_SNAPSHOT BETA8 BETA9_SNAPSHOT BETA9 FINAL'

// The releases are regular but for the first and for two rules: 3.0 goes up to 15, and from 3.3 to
// 3.9 there is no `.0`.
function versionNames(): string[] {
  const names = FIRST_RELEASE.split(' ').map((word) => `V3_0_0_${word}`)
  for (let major = 3; major <= 5; major++) {
    for (let minor = 0; minor <= 9; minor++) {
      const first = major === 3 && (minor === 0 || minor >= 3) ? 1 : 0
      const last = major === 3 && minor === 0 ? 15 : 9
      for (let patch = first; patch <= last; patch++) {
        const name = `V${major}_${minor}_${patch}`
        names.push(`${name}_SNAPSHOT`, name)
      }
    }
  }
  names.push('HIGHER_VERSION')
  return names
}

const names = versionNames()

/** The name of a version's ordinal, such as `V5_3_3`; whatever is above the list is HIGHER_VERSION. */
export function versionName(ordinal: number): string {
  return names[Math.max(0, Math.min(ordinal, names.length - 1))] ?? 'HIGHER_VERSION'
}
