/** The oldest Node.js that runs `.ts` files directly and that every dependency supports. */
export const minimum = [22, 19];

/**
 * @param {string} version for example `20.20.2`
 * @returns {boolean}
 */
export const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > minimum[0] || (major === minimum[0] && minor >= minimum[1]);
};
